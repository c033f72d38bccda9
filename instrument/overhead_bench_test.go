// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/spanburst"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// overheadPeople is the size of the directory, two pages of 500.
const overheadPeople = 1000

// overheadLDIF writes people with the attributes that a company's directory gives them.
func overheadLDIF() string {
	var b strings.Builder
	b.WriteString("dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n" +
		"dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\nou: people\n\n")
	for i := range overheadPeople {
		fmt.Fprintf(&b, "dn: uid=user%06d,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: user%06[1]d\n"+
			"cn: Tim Dijkstra %[1]d\ngivenName: Tim\nsn: Dijkstra\ndisplayName: Tim Dijkstra\nmail: user%06[1]d@example.org\nemployeeNumber: %[1]d\n"+
			"departmentNumber: hr\ntelephoneNumber: +49 30 %07[1]d\nuidNumber: %d\ngidNumber: 10000\nhomeDirectory: /home/user%06[1]d\n\n", i, 10_000+i)
	}
	return b.String()
}

// searcher is one way to ask: raw is go-ldap by itself.
type searcher interface {
	one() (entries int, err error)
	paged() (entries int, err error)
}

func oneRequest() *ldap.SearchRequest {
	return ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(uid=user000123)", []string{"cn", "mail", "uid"}, nil)
}

func pagedRequest() *ldap.SearchRequest {
	return ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=inetOrgPerson)", nil, nil)
}

type rawSearcher struct{ conn *ldap.Conn }

func (s rawSearcher) one() (int, error)   { return found(s.conn.Search(oneRequest())) }
func (s rawSearcher) paged() (int, error) { return found(s.conn.SearchWithPaging(pagedRequest(), 500)) }

type ownSearcher struct {
	ctx    context.Context //nolint:containedctx // the context of the benchmark's job
	client *instrument.Client
}

func (s ownSearcher) one() (int, error) { return found(s.client.Search(s.ctx, oneRequest())) }
func (s ownSearcher) paged() (int, error) {
	return found(s.client.SearchPaged(s.ctx, pagedRequest(), 500))
}

func found(r *ldap.SearchResult, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return len(r.Entries), nil
}

// BenchmarkOverhead compares observed searches with go-ldap by itself, and with OpenLDAP's C library where that is there,
// on a real slapd: one is an indexed search for one entry, paged reads 1,000 entries in two pages. To be compared are ways
// of one run, by their medians of several (-count): all/raw is to be at most 0.85 for one and 0.25 for paged. Spans leave as
// those of the program do; batcher is all with the SDK's batch processor alone.
func BenchmarkOverhead(b *testing.B) {
	server := slapd.Start(b, slapd.Config{LDIF: overheadLDIF()})
	exporter := tracetest.NewNoopExporter()
	batched := trace.NewTracerProvider(trace.WithBatcher(exporter))
	sampled := trace.NewTracerProvider(trace.WithSpanProcessor(spanburst.New(trace.NewBatchSpanProcessor(exporter))))
	b.Cleanup(func() {
		_ = errors.Join(batched.Shutdown(context.Background()), sampled.Shutdown(context.Background()))
	})
	ways := []struct {
		name    string
		options []instrument.Option
		off     bool
	}{
		{"raw", nil, false},
		{"off", nil, true},
		{"recorder", nil, false},
		{"spans", []instrument.Option{instrument.WithTracerProvider(sampled)}, true},
		{"all", []instrument.Option{instrument.WithTracerProvider(sampled)}, false},
		{"batcher", []instrument.Option{instrument.WithTracerProvider(batched)}, false},
	}
	for _, task := range []struct {
		name    string
		run     func(searcher) (int, error)
		entries int
	}{{"one", searcher.one, 1}, {"paged", searcher.paged, overheadPeople}} {
		b.Run(task.name, func(b *testing.B) {
			for _, way := range ways {
				b.Run(way.name, func(b *testing.B) {
					s := overheadSearcher(b, server, way.name == "raw", way.off, way.options...)
					b.ReportAllocs()
					for b.Loop() {
						if n, err := task.run(s); err != nil || n != task.entries {
							b.Fatal(n, err)
						}
					}
				})
			}
			b.Run("libldap", func(b *testing.B) { benchmarkLibldap(b, server, buildLibldap(b), task.name, task.entries) })
		})
	}
}

func overheadSearcher(b *testing.B, server *slapd.Server, raw, off bool, options ...instrument.Option) searcher {
	b.Helper()
	ctx := context.Background()
	if raw {
		conn, err := ldap.DialURL(server.LDAP)
		if err == nil {
			err = conn.Bind(server.RootDN, server.RootPW)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		return rawSearcher{conn}
	}
	scope := instrument.New(options...)
	scope.Recorder().SetRecording(!off)
	client, err := scope.Dial(ctx, server.LDAP, instrument.WithDomain("EXAMPLE"))
	if err == nil {
		err = client.Bind(ctx, server.RootDN, server.RootPW)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close(ctx) })
	job, end := scope.Job(ctx, "benchmark")
	b.Cleanup(end)
	return ownSearcher{job, client}
}
