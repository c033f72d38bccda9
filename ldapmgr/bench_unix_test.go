// SPDX-License-Identifier: MIT

//go:build unix

package ldapmgr_test

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

const (
	benchConnections = 8
	benchGoroutines  = 64
	benchFilter      = "(uid=ada)"
)

// benched is a domain on a real slapd, with everything on.
func benched(b *testing.B) (*slapd.Server, *ldapmgr.Domain) {
	b.Helper()
	s := slapd.Start(b, slapd.Config{LDIF: benchLDIF})
	c := ldapmgr.DomainConfig{
		Servers: []string{s.LDAP}, Bind: ldapmgr.Bind{Name: s.RootDN, Password: ldapmgr.Secret{Value: s.RootPW}},
		Pool: ldapmgr.Pool{MaxOpen: benchConnections, WaitTimeout: time.Minute}, Timeouts: ldapmgr.Timeouts{Call: time.Minute},
	}
	m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"A": c}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = m.Close(context.Background()) })
	d, err := m.Domain("")
	if err != nil {
		b.Fatal(err)
	}
	return s, d
}

const benchLDIF = "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n" +
	"dn: uid=ada,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada Lovelace\nsn: Lovelace\nmail: ada@example.org\n\n"

func benchRequest() *ldap.SearchRequest {
	return ldap.NewSearchRequest(suffix, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, benchFilter, []string{"cn", "mail"}, nil)
}

// BenchmarkManager compares a domain with a hand-made pool of go-ldap connections: 8 connections, 64 goroutines. "turns"
// lets both work by turns and tells how often one goes into the other, which also holds where a machine is shared.
func BenchmarkManager(b *testing.B) {
	s, d := benched(b)
	raw, observed := rawPool(b, s), observedPool(b, s)
	manager := func() error {
		_, err := d.Search(b.Context(), benchRequest())
		return err
	}
	b.Run("raw", func(b *testing.B) { share(b, raw) })
	b.Run("observed", func(b *testing.B) { share(b, observed) }) // what the manager adds is the rest
	b.Run("manager", func(b *testing.B) { share(b, manager) })
	b.Run("turns", func(b *testing.B) {
		var ratios []float64
		for b.Loop() {
			ratios = append(ratios, float64(together(b, raw))/float64(together(b, manager)))
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "x-raw")
	})
}

// together runs call some times in benchGoroutines goroutines and returns how long that took.
func together(b *testing.B, call func() error) time.Duration {
	b.Helper()
	begin := time.Now()
	var all sync.WaitGroup
	for range benchGoroutines {
		all.Go(func() {
			for range 30 {
				if err := call(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	return time.Since(begin)
}

// rawPool returns a search through a pool of go-ldap connections.
func rawPool(b *testing.B, s *slapd.Server) func() error {
	b.Helper()
	pool := make(chan *ldap.Conn, benchConnections)
	for range benchConnections {
		conn, err := ldap.DialURL(s.LDAP)
		if err == nil {
			err = conn.Bind(s.RootDN, s.RootPW)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		pool <- conn
	}
	return func() error {
		conn := <-pool
		defer func() { pool <- conn }()
		_, err := conn.Search(benchRequest())
		return err
	}
}

// observedPool returns a search through the same pool, of instrument's clients.
func observedPool(b *testing.B, s *slapd.Server) func() error {
	b.Helper()
	scope := instrument.New()
	pool := make(chan *instrument.Client, benchConnections)
	for range benchConnections {
		client, err := scope.Dial(b.Context(), s.LDAP)
		if err == nil {
			err = client.Bind(b.Context(), s.RootDN, s.RootPW)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = client.Close(context.Background()) })
		pool <- client
	}
	return func() error {
		client := <-pool
		defer func() { pool <- client }()
		_, err := client.Search(b.Context(), benchRequest())
		return err
	}
}

// share runs call b.N times in benchGoroutines goroutines.
func share(b *testing.B, call func() error) {
	b.Helper()
	if err := call(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := processorTime()
	defer func() { b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-us/op") }()
	b.SetParallelism(max(1, benchGoroutines/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// processorTime is what this process has used, which says more than time where a machine is shared.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCheckout tells what borrowing costs while fresh connections are idle.
func BenchmarkCheckout(b *testing.B) {
	_, d := benched(b)
	var mu sync.Mutex
	var all []time.Duration
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var waits []time.Duration
		for pb.Next() {
			begin := time.Now()
			err := d.Do(b.Context(), func(context.Context, *instrument.Client) error {
				waits = append(waits, time.Since(begin))
				return nil
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
		mu.Lock()
		all = append(all, waits...)
		mu.Unlock()
	})
	slices.Sort(all)
	if len(all) > 0 {
		b.ReportMetric(float64(all[len(all)*99/100].Nanoseconds())/1000, "p99-us")
	}
}
