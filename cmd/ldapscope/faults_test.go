// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
)

// serveConfig is the configuration of one domain on a server, bound as the service account of the company.
func serveConfig(t *testing.T, server string, further ...string) string {
	t.Helper()
	return write(t, "config.yaml", fmt.Sprintf("domains: {EXAMPLE: {servers: [%q], base: \"dc=example,dc=org\", bind: {name: %q, password: {value: %s}}}}\n",
		server, ldaptest.CompanyService, ldaptest.CompanyServicePassword)+strings.Join(further, ""))
}

func companyServer(t *testing.T, config ldaptest.Config) *ldaptest.Server {
	t.Helper()
	config.Profile, config.LDIF = ldaptest.ActiveDirectory, strings.NewReader(ldaptest.Company(8))
	return ldaptest.Start(t, config)
}

// TestUnreachableServer holds the panel to open all the same, and to say why the domain is down.
func TestUnreachableServer(t *testing.T) {
	t.Parallel()
	closed := port.Reserve(t)
	tests := []struct {
		name   string
		server string
		reason string
	}{
		{"nobody listens", "ldap://" + closed, "nothing listens on this port"},
		{"no such name", "ldap://directory.invalid", "the name directory.invalid cannot be looked up"},
		{"TLS to a port without", "ldaps://" + companyServer(t, ldaptest.Config{}).Addr(), "TLS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := startHere(t, nil, nil, "serve", "--config", serveConfig(t, tt.server), "--listen", "127.0.0.1:0", "--app", "127.0.0.1:0")
			r.await("the domain to be down", func() bool {
				all, _ := r.domains()
				return all["EXAMPLE"].State == "down"
			})
			if all, _ := r.domains(); !strings.Contains(all["EXAMPLE"].Reason, tt.reason) {
				t.Errorf("reason %q, want %q", all["EXAMPLE"].Reason, tt.reason)
			}
			if status, page := r.visit("/people"); status != 503 || !strings.Contains(page, "The directory cannot be reached just now.") {
				t.Errorf("the people page: %d %.300s", status, page)
			}
			if status, page := r.body("/"); status != 200 || !strings.Contains(page, "<html") {
				t.Errorf("the panel: %d %.200s", status, page)
			}
			if code := r.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestServerComesLate holds a domain that was down at the start to be up once its server is.
func TestServerComesLate(t *testing.T) {
	t.Parallel()
	server := companyServer(t, ldaptest.Config{})
	server.Stop()
	r := startHere(t, nil, nil, "serve", "--config", serveConfig(t, server.URL()), "--listen", "127.0.0.1:0", "--app", "127.0.0.1:0")
	r.await("the domain to be down", func() bool {
		all, _ := r.domains()
		return all["EXAMPLE"].State == "down"
	})
	server.Start()
	r.await("the people page", func() bool {
		status, _ := r.visit("/people")
		return status == 200
	})
	if all, _ := r.domains(); all["EXAMPLE"].State != "up" || all["EXAMPLE"].Reason != "" {
		t.Errorf("after the return: %+v", all["EXAMPLE"])
	}
}

// TestDatabaseCannotBeWritten holds serve to go on without its history and to say so once.
func TestDatabaseCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := write(t, "file", "no folder")
	folder := t.TempDir()
	tests := []struct {
		name string
		path string
		says *regexp.Regexp
	}{
		{"below a file", filepath.Join(file, "usage.db"), regexp.MustCompile(`^ldapscope: usage will not be saved: .*` + file + `.*\n$`)},
		{"a folder", folder, regexp.MustCompile(`^ldapscope: saved usage cannot be shown, and this run stays in its spool: .*` + folder +
			`.*\nldapscope: the usage \(operations: \d+\) waits in \S+ for a database\n$`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := companyServer(t, ldaptest.Config{})
			r := startHere(t, nil, nil, "serve", "--config", serveConfig(t, server.URL()), "--listen", "127.0.0.1:0", "--app", "127.0.0.1:0", "--db", tt.path)
			if status, _ := r.visit("/people"); status != 200 {
				t.Errorf("the people page: %d", status)
			}
			if len(of("search", r.operations(""))) == 0 {
				t.Error("the panel shows nothing")
			}
			if status, body := r.body("/api/v1/runs"); status != 404 || !strings.Contains(body, "absent") {
				t.Errorf("saved usage: %d %s", status, body)
			}
			if code := r.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if !tt.says.MatchString(r.stderr.String()) {
				t.Errorf("stderr is %s, want %s", r.stderr, tt.says)
			}
		})
	}
}

// TestMalformedAnswer holds a server that sends no LDAP to spoil one operation and nothing else.
func TestMalformedAnswer(t *testing.T) {
	t.Parallel()
	server := companyServer(t, ldaptest.Config{Fault: ldaptest.When(
		func(r ldaptest.Request) bool {
			return r.Op == wire.SearchRequest && strings.Contains(r.Filter, "garbage")
		},
		ldaptest.Always(ldaptest.Action{Raw: ldaptest.Garbage}),
	)})
	r := startHere(t, nil, nil, "serve", "--config", serveConfig(t, server.URL()), "--listen", "127.0.0.1:0", "--app", "127.0.0.1:0")
	if status, page := r.visit("/people?q=garbage"); status != 502 && status != 503 || !strings.Contains(page, "The directory c") {
		t.Errorf("the people page: %d %.400s", status, page)
	}
	_, ops := r.last("/people")
	found := filtered("garbage", ops)
	if len(found) == 0 || found[0].State != "error" || found[0].Result == nil || found[0].Result.Error != "malformed_packet" {
		t.Fatalf("operations %+v", found)
	}
	if all, _ := r.domains(); all["EXAMPLE"].Counters["malformed_messages"] == 0 {
		t.Errorf("counters %v", all["EXAMPLE"].Counters)
	}
	if status, _ := r.visit("/people?q=ada"); status != 200 {
		t.Errorf("the next page: %d", status)
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestSaveUsage holds a domain that is configured so to be left out of the history, and of nothing else.
func TestSaveUsage(t *testing.T) {
	t.Parallel()
	server := companyServer(t, ldaptest.Config{})
	config := write(t, "config.yaml", fmt.Sprintf("defaults: {bind: {name: %q, password: {value: %s}}}\ndomains:\n  KEPT: {servers: [%q]}\n  LEFT: {servers: [%[3]q], save_usage: false}\n",
		ldaptest.CompanyService, ldaptest.CompanyServicePassword, server.URL()))
	r := startHere(t, nil, nil, "serve", "--config", config, "--listen", "127.0.0.1:0")
	r.await("both domains", func() bool {
		all, _ := r.domains()
		return all["KEPT"].State == "up" && all["LEFT"].State == "up"
	})
	r.stop()
	if got := r.saved(); len(got) != 1 || got[0].Domain != "KEPT" {
		t.Errorf("saved is %+v, want KEPT alone", got)
	}
	if !strings.Contains(r.stderr.String(), "domains: 1)") {
		t.Errorf("stderr is %s", r.stderr)
	}
}
