// SPDX-License-Identifier: MIT

package instrument_test

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// manyFilters are of every kind, the last ones about as long as what is kept as it was sent.
var manyFilters = func() []string {
	filters := []string{
		"(uid=ada)", "(&(objectClass=person)(uid=ada))", "(&(uid=ada)(objectClass=person))", "(|(cn=a)(cn=b)(sn=c))", "(!(cn=a*b*c))",
		"(memberOf:1.2.3:=x)", "(cn:dn:=x)", "(cn=*)", "(&)", "(&(|(a=1)(b=2))(!(c>=3))(d<=4)(e~=5)(f=*x*y*)(g=x*)(h=*x))",
		`(cn=\2a\28\29\5c\00)`, "(cn=Åsa)", "(userPassword=geheim)", "(&(uid=ada)(userPassword=geheim))",
	}
	for length := instrument.MostUnread - 12; length <= instrument.MostUnread+1; length++ {
		filters = append(filters, "(cn="+strings.Repeat("x", length)+")")
	}
	return filters
}()

// A filter that was kept as it was sent is read as one that was written out at once, also after others in the same memory,
// and no secret is kept.
func TestFiltersAreWrittenWhenTheyAreRead(t *testing.T) {
	t.Parallel()
	scope := bounded(3, 0) // so that records are used again
	c := dial(t, scope, serve(t, willing(0)))
	for round := range 3 {
		for i, filter := range manyFilters {
			if _, err := c.Search(t.Context(), search(filter)); err != nil {
				t.Fatal(err)
			}
			if round == 0 && !strings.Contains(filter, "geheim") { // many leave unread
				continue
			}
			want := strings.ReplaceAll(filter, "geheim", "<hidden>")
			got, again := scope.Recorder().Latest(1).Operations[0].Search.Filter, scope.Recorder().Latest(1).Operations[0].Search.Filter
			if !sameFilter(got, want) {
				t.Fatalf("filter %d, %.60q, is read as %.60q", i, want, got)
			}
			if unsafe.StringData(got) != unsafe.StringData(again) {
				t.Errorf("filter %d, %.60q, was written twice", i, want)
			}
			if i%3 == 0 { // another kind in between
				if _, err := c.Compare(t.Context(), "cn=a", "cn", "a"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// sameFilter compares two texts of filters as written, with any way to write an octet.
func sameFilter(a, b string) bool {
	if strings.Contains(a, "<hidden>") || strings.Contains(b, "<hidden>") {
		return a == b
	}
	x, err := ldap.CompileFilter(a)
	if err != nil {
		return false
	}
	y, err := ldap.CompileFilter(b)
	return err == nil && string(x.Bytes()) == string(y.Bytes())
}

// What a reader makes of a filter counts to the memory of the recorder, and is given back with the operation.
func TestWrittenFiltersAreCounted(t *testing.T) {
	t.Parallel()
	scope := bounded(100, 0)
	c := dial(t, scope, serve(t, willing(0)))
	r := scope.Recorder()
	for _, test := range []struct {
		filter string
		unread bool
	}{
		{"(userPassword=geheim)", false}, {"(cn=" + strings.Repeat("x", 300) + ")", true},
		{"(cn=" + strings.Repeat("x", instrument.MostUnread) + ")", false}, // not kept as it was sent: it would take long to write
	} {
		for range 50 {
			if _, err := c.Search(t.Context(), search(test.filter)); err != nil {
				t.Fatal(err)
			}
		}
		want := 0
		if test.unread {
			want = 50 * len(test.filter)
		}
		for _, want := range []int{want, 0} {
			before := r.Stats().Bytes
			_ = operations(scope)
			if grown := r.Stats().Bytes - before; grown != want {
				t.Errorf("reading 50 filters of %d bytes each took %d bytes, want %d", len(test.filter), grown, want)
			}
		}
		r.Clear()
	}
	if left := r.Stats(); left.Operations > 0 || left.Bytes != 0 {
		t.Errorf("%d operations and %d bytes are left", left.Operations, left.Bytes)
	}
}

// The number of a shape is the same in every version, because it is saved with the usage: here as it has been from the first.
func TestNumbersOfShapes(t *testing.T) {
	t.Parallel()
	numbers := []uint64{
		0x14bb85944b0213ca, 0x781b5f3966453f90, 0x781b5f3966453f90, 0x493260222e395fbe, 0x7bcd820bc23ff720,
		0x2ac2117d5368af0d, 0xdbfdd8e1e5b669e4, 0xc904ed0e1cf0922c, 0x1c53445b340c3c97, 0xbb5d4b750d1f5901,
	}
	scope := instrument.New()
	c := dial(t, scope, serve(t, willing(0)), instrument.WithDomain("CORP"))
	for range 2 { // also behind others
		for i, number := range numbers {
			request := search(manyFilters[i])
			request.BaseDN = "ou=people,dc=example,dc=org"
			if _, err := c.Search(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			if got := scope.Recorder().Latest(1).Operations[0].Shape; got.ID != number {
				t.Errorf("%s has the number %#x, want %#x", got.Text, got.ID, number)
			}
		}
	}
	if ops := operations(scope); ops[1].Exact != ops[2].Exact || ops[0].Exact == ops[1].Exact {
		t.Errorf("the order of parts counts: %#x, %#x, %#x", ops[0].Exact, ops[1].Exact, ops[2].Exact)
	}
}

// What differs in structure has another shape, whatever was asked before.
func TestShapesTellFiltersApart(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	c := dial(t, scope, serve(t, willing(0)))
	filters := []string{
		"(cn=a)", "(cn>=a)", "(cn<=a)", "(cn~=a)", "(cn=*)", "(cn=a*)", "(cn=*a)", "(cn=*a*)", "(cn:dn:=a)", "(cn:2.5.13.2:=a)", "(cn:dn:2.5.13.2:=a)",
		"(cn:=a)", "(sn=a)", "(nc=a)", "(!(cn=a))", "(&(cn=a))", "(|(cn=a))",
	}
	numbers := map[uint64]string{}
	for range 2 {
		for _, filter := range filters {
			if _, err := c.Search(t.Context(), search(filter)); err != nil {
				t.Fatal(err)
			}
			number := scope.Recorder().Latest(1).Operations[0].Shape.ID
			if other, known := numbers[number]; known && other != filter {
				t.Errorf("%s has the shape of %s", filter, other)
			}
			numbers[number] = filter
		}
	}
	if len(numbers) != len(filters) {
		t.Errorf("%d filters have %d shapes", len(filters), len(numbers))
	}
}
