// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

const (
	slapdPeople  = 1200
	slapdService = "cn=ldapscope,ou=services,dc=example,dc=org"
	slapdGrace   = "cn=Grace Hopper,ou=people,dc=example,dc=org"
)

// slapdLDIF holds people, one of whom can log in, some computers, and the service account.
func slapdLDIF() string {
	var b strings.Builder
	b.WriteString("dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\n")
	for _, ou := range []string{"people", "computers", "services"} {
		fmt.Fprintf(&b, "dn: ou=%s,dc=example,dc=org\nobjectClass: organizationalUnit\nou: %[1]s\n\n", ou)
	}
	fmt.Fprintf(&b, "dn: %s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: ldapscope\nuserPassword: of the service\n\n", slapdService)
	fmt.Fprintf(&b, "dn: %s\nobjectClass: inetOrgPerson\ncn: Grace Hopper\nsn: Hopper\nuid: grace\nuserPassword: of grace\n\n", slapdGrace)
	for i := 1; i < slapdPeople; i++ {
		fmt.Fprintf(&b, "dn: cn=Person %04d,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\ncn: Person %04[1]d\nsn: %04[1]d\nuid: p%04[1]d\n\n", i)
	}
	for i := range 3 {
		fmt.Fprintf(&b, "dn: cn=pc%d,ou=computers,dc=example,dc=org\nobjectClass: device\ncn: pc%[1]d\ndescription: desk %[1]d\n\n", i)
	}
	return b.String()
}

// slapdProgram is serve --app on a real slapd: EXAMPLE in clear text over loopback for the app, SECURE through StartTLS.
func slapdProgram(t *testing.T) (*running, *tracetest.InMemoryExporter) {
	t.Helper()
	server := slapd.Start(t, slapd.Config{LDIF: slapdLDIF()})
	config := write(t, "config.yaml", fmt.Sprintf(`
default: EXAMPLE
defaults:
  base: dc=example,dc=org
  bind: {name: "%s", password: {value: of the service}}
domains:
  EXAMPLE: {servers: ["%s"], read_only: false}
  SECURE: {servers: ["%[2]s"], starttls: true, tls: {ca_file: %s}}
`, slapdService, server.LDAP, server.CAFile))
	exporter := tracetest.NewInMemoryExporter()
	watch := func(a program.Assembled) { a.Tracers.RegisterSpanProcessor(sdktrace.NewSimpleSpanProcessor(exporter)) }
	return startHere(t, watch, nil, "serve", "--config", config, "--listen", "127.0.0.1:0", "--app", "127.0.0.1:0"), exporter
}

// TestSlapd drives every kind of operation that the app knows and finds each in the API with what it really was.
func TestSlapd(t *testing.T) {
	t.Parallel()
	r, exporter := slapdProgram(t)
	r.await("both domains", func() bool {
		all, _ := r.domains()
		return all["EXAMPLE"].State == "up" && all["SECURE"].State == "up"
	})
	if status, page := r.submit("/login", "username", "grace", "password", "of grace"); status != 200 || !strings.Contains(page, slapdGrace) {
		t.Fatalf("login leads to %d %s", status, page)
	}
	t.Run("bind", func(t *testing.T) {
		q, ops := r.last("/login")
		binds := of("bind", ops)
		if len(binds) != 1 || binds[0].Bind.Name != slapdGrace || binds[0].Bind.Method != "simple" || binds[0].Result.Code != 0 || binds[0].Step != "login.bind" {
			t.Fatalf("binds %+v", binds)
		}
		if q.User != "grace" || q.Method != "POST" || q.Route != "/login" || q.Status != 303 || q.Operations != len(ops) {
			t.Errorf("request %+v", q)
		}
		if found := filtered("(uid=grace)", ops); len(found) != 1 || found[0].Entries != 1 || found[0].Step != "login.find" {
			t.Errorf("search for the person %+v", found)
		}
	})
	t.Run("paged search", func(t *testing.T) { slapdPaged(t, r) })
	t.Run("compare and modify", func(t *testing.T) { slapdModify(t, r) })
	t.Run("failing bind", func(t *testing.T) {
		if status, _ := r.submit("/login", "username", "grace", "password", "of somebody else"); status != 401 {
			t.Errorf("a wrong password is answered with %d", status)
		}
		q, ops := r.last("/login")
		binds := of("bind", ops)
		if len(binds) != 1 || binds[0].Result.Code != 49 || binds[0].Result.Name == "" || binds[0].State != "error" || binds[0].Bind.Name != slapdGrace {
			t.Errorf("binds %+v", binds)
		}
		if q.Status != 401 || q.Errors != 1 {
			t.Errorf("request %+v", q)
		}
	})
	t.Run("StartTLS", func(t *testing.T) {
		ops := r.operations("dom:SECURE")
		extended := of("extended", ops)
		if len(extended) != 1 || extended[0].Extended.Name != "StartTLS" || extended[0].Extended.OID != "1.3.6.1.4.1.1466.20037" || extended[0].Result.Code != 0 {
			t.Fatalf("extended operations %+v", extended)
		}
		if binds := of("bind", ops); len(binds) != 1 || binds[0].Bind.Name != slapdService || binds[0].Seq < extended[0].Seq {
			t.Errorf("the bind does not come after StartTLS: %+v", binds)
		}
		if all, _ := r.domains(); all["SECURE"].Security != "start_tls" || all["SECURE"].Counters["wrapped_sockets"] != 1 || all["EXAMPLE"].Security != "none" {
			t.Errorf("domains %+v", all)
		}
		for _, op := range ops {
			if !strings.HasPrefix(op.RequestID, "background") {
				t.Errorf("%s of the preload belongs to %s", op.Kind, op.RequestID)
			}
		}
	})
	t.Run("spans", func(t *testing.T) { slapdSpans(t, exporter, r) })
}

// slapdPaged holds every page of one search to be an operation of its own, linked to the others.
func slapdPaged(t *testing.T, r *running) {
	if status, page := r.visit("/people"); status != 200 || !strings.Contains(page, "and 1150 more") {
		t.Fatalf("the people page: %d %.300s", status, page)
	}
	_, ops := r.last("/people")
	entries := 0
	for i, op := range ops {
		s := op.Search
		if s == nil || s.Base != "dc=example,dc=org" || s.Scope != "sub" || !strings.Contains(s.Filter, "(objectClass=inetOrgPerson)") {
			t.Fatalf("operation %+v", op)
		}
		if s.PageSize != 100 || s.Page != i+1 || op.Call == nil || op.Call.N != i+1 || op.Call.ID != ops[0].Call.ID {
			t.Errorf("page %d: search %+v, call %+v", i+1, s, op.Call)
		}
		if op.Entries != 100 || op.BytesSent <= 0 || op.BytesReceived < 100*60 || op.Result.Code != 0 || op.State != "done" {
			t.Errorf("page %d: %+v", i+1, op)
		}
		if op.Timing.First <= 0 || op.Timing.First+op.Timing.Stream > op.DurationUS+2 || op.Timing.Stream <= 0 {
			t.Errorf("page %d took %d us: first %d, stream %d", i+1, op.DurationUS, op.Timing.First, op.Timing.Stream)
		}
		entries += op.Entries
	}
	if entries != slapdPeople || len(ops) != slapdPeople/100 {
		t.Errorf("%d entries in %d pages", entries, len(ops))
	}
}

func slapdModify(t *testing.T, r *running) {
	const computer = "cn=pc1,ou=computers,dc=example,dc=org"
	if status, page := r.submit("/computers", "dn", computer, "description", "desk at the window"); status != 200 || !strings.Contains(page, "desk at the window") {
		t.Fatalf("the computers page after a change: %d %.500s", status, page)
	}
	var ops []operationRow
	for _, q := range r.requests("/computers") {
		if q.Method == "POST" {
			_, ops = r.request(q.ID)
		}
	}
	if len(ops) != 2 || ops[0].Kind != "compare" || ops[1].Kind != "modify" {
		t.Fatalf("operations %+v", ops)
	}
	compare, modify := ops[0], ops[1]
	if compare.DN != computer || compare.Result.Code != 5 || compare.Result.Name != "compareFalse" || compare.State != "done" {
		t.Errorf("compare %+v", compare)
	}
	if modify.DN != computer || modify.Result.Code != 0 || len(modify.Changes) != 1 {
		t.Fatalf("modify %+v", modify)
	}
	if c := modify.Changes[0]; c.Operation != "replace" || c.Attribute != "description" || len(c.Values) != 1 || c.Values[0].Text != "desk at the window" {
		t.Errorf("change %+v", c)
	}
	for _, op := range ops {
		if op.BytesSent <= 0 || op.BytesReceived <= 0 || op.DurationUS <= 0 || op.Timing.First <= 0 {
			t.Errorf("%s has no bytes or no time: %+v", op.Kind, op)
		}
	}
}

// slapdSpans holds every operation to have exactly one span, under the server span of its HTTP request.
func slapdSpans(t *testing.T, exporter *tracetest.InMemoryExporter, r *running) {
	var spans tracetest.SpanStubs
	find := func(traceID, spanID string) (found []tracetest.SpanStub) {
		for _, s := range spans {
			if s.SpanContext.TraceID().String() == traceID && s.SpanContext.SpanID().String() == spanID {
				found = append(found, s)
			}
		}
		return found
	}
	ops := r.operations("")
	r.await("the spans of all operations", func() bool {
		spans = exporter.GetSpans()
		return !slices.ContainsFunc(ops, func(op operationRow) bool { return len(find(op.TraceID, op.SpanID)) == 0 })
	})
	for _, op := range ops {
		found := find(op.TraceID, op.SpanID)
		if len(found) != 1 {
			t.Fatalf("%s has %d spans", op.Kind, len(found))
		}
		span := found[0]
		if span.SpanKind != trace.SpanKindClient || span.Name != op.Kind && span.Name != op.Kind+" dc=example,dc=org" {
			t.Errorf("%s has span %s %q", op.Kind, span.SpanKind, span.Name)
		}
		if strings.HasPrefix(op.RequestID, "background") {
			continue
		}
		q, _ := r.request(op.RequestID)
		if q.TraceID != op.TraceID {
			t.Errorf("%s of %s %s has trace %s, its request %s", op.Kind, q.Method, q.Path, op.TraceID, q.TraceID)
		}
		parents := find(op.TraceID, span.Parent.SpanID().String())
		if len(parents) != 1 || parents[0].SpanKind != trace.SpanKindServer && parents[0].SpanKind != trace.SpanKindInternal {
			t.Errorf("%s %q has the parents %+v", op.Kind, span.Name, parents)
		}
	}
}
