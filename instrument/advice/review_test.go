// SPDX-License-Identifier: MIT

package advice_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
)

const ms = time.Millisecond

// did is an operation that ended well after 5 ms, 6 ms after the one before it; change alters it.
type did = instrument.Operation

var scopes = map[string]instrument.SearchScope{"base": 0, "one": 1, "sub": 2}

func hash(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, parts...)
	return h.Sum64()
}

// search is an operation that asks; attributes are separated by commas, "" asks for all.
func search(scope, base, filter, attributes string, change ...func(*did)) did {
	op := did{Kind: instrument.KindSearch, Entries: 1, BytesReceived: 200, Search: &instrument.Search{Base: base, Scope: scopes[scope], Filter: filter}}
	if attributes != "" {
		op.Search.Attributes = strings.Split(attributes, ",")
	}
	op.Shape = shapeOf("search", scope, instrument.DNShape(base), instrument.FilterShape(filter), attributes)
	op.Exact = hash(scope, base, filter, attributes)
	return with(op, change)
}

func bind(name string, change ...func(*did)) did {
	return with(did{Kind: instrument.KindBind, Bind: &instrument.Bind{Method: "simple", Name: name}, Shape: shapeOf("bind"), Exact: hash("bind", name)}, change)
}

func write(kind instrument.Kind, dn string, change ...func(*did)) did {
	return with(did{Kind: kind, DN: dn, Changes: []instrument.Change{{Operation: "replace", Attribute: "mail"}}, Shape: shapeOf(kind.String())}, change)
}

func with(op did, changes []func(*did)) did {
	op.State, op.Domain, op.Server, op.Conn, op.Duration = instrument.StateDone, "EXAMPLE", "10.0.0.5:636", 4, 5*ms
	op.Security = instrument.SecurityTLS
	op.Result = instrument.Result{Received: true, Name: "success"}
	for _, change := range changes {
		change(&op)
	}
	return op
}

var (
	shapesMu sync.Mutex // guards shapes
	shapes   = map[string]*instrument.Shape{}
)

// shapeOf gives equal shapes the same pointer, as a recorder does.
func shapeOf(parts ...string) *instrument.Shape {
	text := strings.Join(parts, " ")
	shapesMu.Lock()
	defer shapesMu.Unlock()
	if shapes[text] == nil {
		shapes[text] = &instrument.Shape{ID: hash(text), Text: text}
	}
	return shapes[text]
}

func times(n int, each func(i int) did) (ops []did) {
	for i := range n {
		ops = append(ops, each(i))
	}
	return ops
}

func taking(d time.Duration) func(*did) { return func(op *did) { op.Duration = d } }
func code(n int64) func(*did)           { return func(op *did) { op.Result.Code, op.Result.Error = n, "failed" } }
func found(n int) func(*did)            { return func(op *did) { op.Entries = n } }
func weighs(n int64) func(*did)         { return func(op *did) { op.BytesReceived = n } }
func on(server string) func(*did)       { return func(op *did) { op.Server = server } }
func paged(op *did)                     { op.Search.PageSize = 500 }
func elsewhere(op *did)                 { op.Conn = 9 }

// facts are of two domains with a small schema; group 1 has three members, group 2 was cut off.
var facts = advice.Facts{
	Vendor: func(domain string) string {
		return map[string]string{"EXAMPLE": "Active Directory", "OPEN": "OpenLDAP"}[domain]
	},
	Entries: func(seq uint64) []instrument.Entry {
		values := func(texts ...string) (v []instrument.Value) {
			for _, text := range texts {
				v = append(v, instrument.Value{Text: text})
			}
			return v
		}
		return []instrument.Entry{
			{DN: "cn=g1,dc=x", Attributes: []instrument.Attribute{{Name: "member", Values: values("cn=0,dc=x", "cn=1,dc=x", "CN=2,DC=x")}}},
			{DN: "cn=g2,dc=x", Attributes: []instrument.Attribute{{Name: "member;range=0-1499", Values: values("cn=0,dc=x")}}},
		}
	},
	Known: func(_, attribute string) (known, loaded bool) {
		return slices.Contains([]string{"uid", "cn", "objectclass", "mail"}, strings.ToLower(attribute)), true
	},
}

// reviewed runs the rules over operations of an HTTP request, laid one after the other.
func reviewed(q instrument.Request, ops []did, facts advice.Facts) []advice.Finding {
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	ops = slices.Clone(ops)
	at := start
	for i := range ops {
		ops[i].Seq = uint64(i + 1)
		if ops[i].Start.IsZero() {
			ops[i].Start = at
			at = at.Add(ops[i].Duration + ms)
		}
		q.LDAPTime += ops[i].Duration
	}
	if q.Kind == "" {
		q.Kind = "http"
	}
	q.Operations = len(ops)
	if q.Duration == 0 {
		q.Duration = q.LDAPTime * 4
	}
	return advice.Review(q, ops, facts)
}

func ids(findings []advice.Finding) (list []string) {
	for _, f := range findings {
		list = append(list, f.Rule.ID)
	}
	return list
}

func TestReviewSaysWhatAndWhere(t *testing.T) {
	t.Parallel()
	ops := times(6, func(i int) did {
		return search("sub", "dc=x", fmt.Sprintf("(uid=%d)", i), "cn", taking(20*ms))
	})
	findings := reviewed(instrument.Request{}, ops, advice.Facts{})
	if len(findings) != 1 {
		t.Fatalf("findings %v", findings)
	}
	f := findings[0]
	if f.Rule.ID != "A02" || f.Severity != advice.High || f.Rule.Confidence != advice.Likely || f.Count != 6 || len(f.Operations) != 6 || f.Operations[0] != 1 ||
		f.Wasted != 100*ms || f.Shape != ops[0].Shape.ID || f.ShapeText != ops[0].Shape.Text {
		t.Errorf("finding %+v", f)
	}
	want := "high A02 One search for each row (N+1): 6 searches of one shape one after the other, 120 ms in all, 20.0 ms each. Ask once:"
	if got := f.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
}

// TestReviewNamesNoValues holds findings to numbers and names: they are shown in places where values are not.
func TestReviewNamesNoValues(t *testing.T) {
	t.Parallel()
	const marker = "Marker5"
	var ops []did
	for range 6 {
		ops = append(ops, search("sub", "ou="+marker+",dc=x", "(|(cn=*"+marker+")(distinguishedName="+marker+"))", "", code(4), found(3)),
			bind("cn="+marker, code(49)), write(instrument.KindModify, "cn="+marker))
	}
	findings := reviewed(instrument.Request{Path: marker, User: marker}, ops, facts)
	if len(findings) < 5 {
		t.Fatalf("only %v", ids(findings))
	}
	for _, f := range findings {
		if strings.Contains(f.String(), marker) {
			t.Errorf("a value stands in %s", f)
		}
	}
}

// TestReviewOrder holds findings of equal weight to the order of the operations, however often the same is reviewed.
func TestReviewOrder(t *testing.T) {
	t.Parallel()
	ops := times(80, func(i int) did { return write(instrument.KindDelete, fmt.Sprintf("cn=%d,ou=%d", i, i/10)) })
	var order []uint64
	for _, f := range reviewed(instrument.Request{Kind: "job"}, ops, facts) {
		if f.Rule.ID == "H05" {
			order = append(order, f.Operations[0])
		}
	}
	if len(order) != 8 || !slices.IsSorted(order) {
		t.Errorf("findings about eight trees begin with the operations %v", order)
	}
}

func TestReviewOfNothing(t *testing.T) {
	t.Parallel()
	running := search("sub", "dc=x", "(mail=*)", "")
	running.State = instrument.StateRunning
	for _, ops := range [][]did{nil, {running}} {
		if found := reviewed(instrument.Request{}, ops, facts); found != nil {
			t.Errorf("found %v", found)
		}
	}
}

// TestRules holds the catalogue to be whole and in order.
func TestRules(t *testing.T) {
	t.Parallel()
	rules := advice.Rules()
	for i, r := range rules {
		if r.ID == "" || r.Title == "" || r.Why == "" || r.Fix == "" || r.Severity == 0 || r.Confidence == 0 {
			t.Errorf("rule %+v is not whole", r)
		}
		if i > 0 && rules[i-1].ID >= r.ID {
			t.Errorf("%s stands before %s", rules[i-1].ID, r.ID)
		}
		if r.Confidence == advice.Hint && r.Severity > advice.Medium {
			t.Errorf("%s is a hint and %s", r.ID, r.Severity)
		}
		if !slices.Contains(tested, r.ID) {
			t.Errorf("no table tests %s", r.ID)
		}
	}
}

// BenchmarkReview prints what the rules cost for each operation of a request.
func BenchmarkReview(b *testing.B) {
	ops := times(100, func(i int) did {
		return search("sub", "ou=people,dc=x", fmt.Sprintf("(&(objectClass=person)(|(uid=%d)(mail=%d*)))", i, i), "cn,mail,uid")
	})
	for i := range ops {
		ops[i].Seq, ops[i].Start = uint64(i), time.Unix(0, int64(i)*int64(6*ms))
	}
	q := instrument.Request{Kind: "http", Operations: 100, LDAPTime: 500 * ms, Duration: time.Second}
	for b.Loop() {
		advice.Review(q, ops, facts)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ops)), "ns/operation")
}
