// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// quantile reports the 99th percentile of what was measured, in milliseconds.
func quantile(b *testing.B, name string, all []time.Duration) {
	b.Helper()
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, name)
}

// BenchmarkFailover tells what the first call of a domain costs whose preferred server fails, and what the next ones cost,
// with a real slapd as the second server.
func BenchmarkFailover(b *testing.B) {
	good := slapd.Start(b, slapd.Config{LDIF: slapdLDIF})
	cold := func(b *testing.B, bad string) {
		var first, next []time.Duration
		for b.Loop() {
			d, _ := domain(b, onSlapd(good, bad, good.LDAP))
			first = append(first, took(b, search(b, d)))
			for range 10 {
				next = append(next, took(b, search(b, d)))
			}
		}
		quantile(b, "first-p99-ms", first)
		quantile(b, "next-p99-ms", next)
	}
	b.Run("refused", func(b *testing.B) { cold(b, "ldap://"+port.Reserve(b)) })
	b.Run("black_hole", func(b *testing.B) {
		_, text, _ := net.SplitHostPort(port.Reserve(b))
		port, _ := strconv.Atoi(text)
		blackHoleAt(b, "127.0.0.2", port)
		cold(b, "ldap://127.0.0.2:"+text)
	})
	b.Run("frozen", func(b *testing.B) {
		bad := slapd.Start(b, slapd.Config{LDIF: slapdLDIF})
		var first, next []time.Duration
		for b.Loop() {
			d, _ := domain(b, onSlapd(good, bad.LDAP, good.LDAP))
			took(b, search(b, d))
			freeze(b, bad.Pid())
			first = append(first, took(b, search(b, d)))
			for range 10 {
				next = append(next, took(b, search(b, d)))
			}
			_ = syscall.Kill(bad.Pid(), syscall.SIGCONT)
		}
		quantile(b, "first-p99-ms", first)
		quantile(b, "next-p99-ms", next)
	})
	b.Run("all_down", func(b *testing.B) {
		d, _ := domain(b, onSlapd(good, "ldap://"+port.Reserve(b), "ldap://"+port.Reserve(b)))
		_ = search(b, d)()
		var all []time.Duration
		for b.Loop() {
			begin := time.Now()
			if search(b, d)() == nil {
				b.Fatal("a search succeeds without a server")
			}
			all = append(all, time.Since(begin))
		}
		quantile(b, "p99-ms", all)
	})
}

// BenchmarkFailback tells how long it takes until a preferred server that was started again serves, and how many calls
// failed meanwhile.
func BenchmarkFailback(b *testing.B) {
	preferred, other := slapd.Start(b, slapd.Config{LDIF: slapdLDIF}), slapd.Start(b, slapd.Config{LDIF: slapdLDIF})
	failures := 0
	var all []time.Duration
	for b.Loop() {
		d, _ := domain(b, onSlapd(preferred, preferred.LDAP, other.LDAP))
		served := func() (server string) {
			if err := d.Do(b.Context(), func(ctx context.Context, c *instrument.Client) error {
				server = c.Server()
				_, err := c.Search(ctx, people("(ou=people)"))
				return err
			}); err != nil {
				failures++
			}
			return server
		}
		took(b, search(b, d))
		preferred.Stop()
		for d.Status().Endpoints[0].State != ldapmgr.EndpointDown {
			took(b, search(b, d))
		}
		preferred.Start()
		back := time.Now()
		for served() != strings.TrimPrefix(preferred.LDAP, "ldap://") {
			if time.Since(back) > time.Minute {
				b.Fatal("the preferred server is not used again")
			}
			pause(10 * time.Millisecond)
		}
		all = append(all, time.Since(back))
	}
	quantile(b, "p99-ms", all)
	b.ReportMetric(float64(failures), "errors")
}
