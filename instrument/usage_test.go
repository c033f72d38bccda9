// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// usageOfLdap3 are the counters of Python's ldap3, by the names under which its users know them.
var usageOfLdap3 = []string{
	"servers_from_pool", "open_sockets", "closed_sockets", "wrapped_sockets", "bytes_transmitted", "bytes_received", "messages_transmitted",
	"messages_received", "operations", "abandon_operations", "bind_operations", "add_operations", "compare_operations", "delete_operations",
	"extended_operations", "modify_operations", "modify_dn_operations", "search_operations", "unbind_operations", "referrals_received",
	"referrals_followed", "referrals_connections", "restartable_failures", "restartable_successes",
}

// every does one operation of each kind that a Client has.
func every(ctx context.Context, t *testing.T, c *instrument.Client) {
	t.Helper()
	_, searchErr := c.Search(ctx, search("(cn=a)"))
	_, pagedErr := c.SearchPaged(ctx, search("(cn=a)"), 10)
	_, modifyErr := c.Modify(ctx, ldap.NewModifyRequest("cn=a", nil))
	_, compareErr := c.Compare(ctx, "cn=a", "cn", "a")
	_, whoErr := c.WhoAmI(ctx)
	for what, err := range map[string]error{
		"bind": c.Bind(ctx, "cn=a", "b"), "search": searchErr, "paged search": pagedErr, "add": c.Add(ctx, ldap.NewAddRequest("cn=a", nil)),
		"delete": c.Delete(ctx, ldap.NewDelRequest("cn=a", nil)), "modify": modifyErr,
		"rename": c.ModifyDN(ctx, ldap.NewModifyDNRequest("cn=a", "cn=b", true, "")), "compare": compareErr, "who am I": whoErr,
	} {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// Usage belongs to the domain and not to a connection: what a second connection to another server uses is added, and
// every counter is right to the byte.
func TestUsageIsKeptOverReconnects(t *testing.T) {
	t.Parallel()
	answers := func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			switch m.Op {
			case wire.SearchRequest:
				s.entry(m, "cn=a", "cn", "a")
				s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://other/") })
				s.answer(m, 0)
			case wire.CompareRequest:
				s.answer(m, 6)
			default:
				s.answer(m, 0)
			}
		}
	}
	scope := instrument.New()
	usage := func() instrument.Usage { return scope.Snapshots()[0].Usage }
	started := time.Now()
	ctx := t.Context()

	first := dial(t, scope, serve(t, answers))
	every(ctx, t, first)
	if u := usage(); u.InitialConnectionStartTime.Before(started) || !u.ConnectionStopTime.IsZero() || u.OpenSocketStartTime != u.InitialConnectionStartTime {
		t.Errorf("while open: %+v", u)
	}
	_ = first.Close(ctx)
	closed := usage()
	if closed.ConnectionStopTime.Before(closed.LastReceivedTime) || closed.LastReceivedTime.Before(closed.OpenSocketStartTime) ||
		closed.LastTransmittedTime.Before(closed.LastReceivedTime) || closed.Elapsed(time.Now()) != closed.ConnectionStopTime.Sub(closed.InitialConnectionStartTime) {
		t.Errorf("times %+v", closed)
	}
	second := dial(t, scope, serve(t, answers))
	every(ctx, t, second)
	scope.Retried("TEST", true)
	scope.Retried("TEST", false)
	_ = second.Close(ctx)

	u := usage()
	if u.InitialConnectionStartTime != closed.InitialConnectionStartTime || !u.OpenSocketStartTime.After(closed.ConnectionStopTime) ||
		!u.ConnectionStopTime.After(closed.ConnectionStopTime) || u.Elapsed(time.Now()) < closed.Elapsed(time.Now()) {
		t.Errorf("times after a reconnect %+v, before %+v", u, closed)
	}
	var sent, received int64
	for _, op := range operations(scope) {
		sent, received = sent+op.BytesSent, received+op.BytesReceived
	}
	want := instrument.Counters{
		ServersFromPool: 2, OpenSockets: 2, ClosedSockets: 2, BytesTransmitted: uint64(sent), BytesReceived: uint64(received),
		MessagesTransmitted: 20, MessagesReceived: 26, Operations: 20, BindOperations: 2, AddOperations: 2, CompareOperations: 2, DeleteOperations: 2,
		ExtendedOperations: 2, ModifyOperations: 2, ModifyDNOperations: 2, SearchOperations: 4, UnbindOperations: 2,
		RestartableFailures: 1, RestartableSuccess: 1, Entries: 4, References: 4, Pages: 2, ReferralsReceived: 4,
	}
	if diff := cmp.Diff(want, u.Counters); diff != "" {
		t.Error(diff)
	}
	s := scope.Snapshots()[0]
	if diff := cmp.Diff(map[int64]uint64{0: 16, 6: 2}, s.Codes); diff != "" {
		t.Errorf("result codes %s", diff)
	}
	counts := map[string]uint64{}
	for kind, l := range s.Latency {
		counts[kind] = l.Count
	}
	if diff := cmp.Diff(map[string]uint64{"bind": 2, "search": 4, "add": 2, "delete": 2, "modify": 2, "modify_dn": 2, "compare": 2, "extended": 2}, counts); diff != "" {
		t.Errorf("latencies %s", diff)
	}
}

// Every counter of ldap3 has its name, is of 64 bits, and is added and subtracted like the others.
func TestCounterFields(t *testing.T) {
	t.Parallel()
	var names []string
	var all, twice instrument.Counters
	for i, f := range instrument.CounterFields {
		names = append(names, f.Name)
		*f.Field(&all) = 1<<40 + uint64(i)
		*f.Field(&twice) = 2 * (1<<40 + uint64(i))
	}
	for i, name := range usageOfLdap3 {
		if names[i] != name {
			t.Errorf("counter %d is %s, want %s", i, names[i], name)
		}
	}
	structure := reflect.TypeFor[instrument.Counters]()
	for i := range structure.NumField() {
		tag := structure.Field(i).Tag.Get("json")
		if at := slices.Index(names, tag); at != i || structure.Field(i).Type.Kind() != reflect.Uint64 {
			t.Errorf("field %s has the name %s, which is in place %d of the list", structure.Field(i).Name, tag, at)
		}
	}
	if len(names) != structure.NumField() {
		t.Errorf("%d counters are listed, %d there are", len(names), structure.NumField())
	}
	if got := all.Add(all); got != twice {
		t.Errorf("sum %+v", got)
	}
	if got := twice.Sub(all); got != all {
		t.Errorf("difference %+v", got)
	}
	if got := all.Sub(twice); got != all {
		t.Errorf("after a restart %+v", got)
	}
}

// Ever new questions do not take ever more memory: from some number on they count together.
func TestShapesAreBounded(t *testing.T) {
	t.Parallel()
	scope := bounded(100, 0)
	c := dial(t, scope, serve(t, willing(1)))
	const asked = 2500
	for i := range asked {
		if _, err := c.Search(t.Context(), search(fmt.Sprintf("(attribute%d=x)", i))); err != nil {
			t.Fatal(err)
		}
	}
	s := scope.Snapshots()[0]
	var other instrument.ShapeTotal
	for _, total := range s.Shapes {
		if total.Text == "other shapes" {
			other = total
		}
	}
	if other.Count < asked-2000 || len(s.Shapes) > 200 {
		t.Errorf("%d shapes, of which others %+v", len(s.Shapes), other)
	}
	if !slices.IsSortedFunc(s.Shapes, func(a, b instrument.ShapeTotal) int { return int(b.Total - a.Total) }) {
		t.Error("the costliest are not first")
	}
	for _, total := range s.Shapes {
		if strings.Contains(total.Text, "=x)") {
			t.Errorf("shape %s shows a value", total.Text)
		}
	}
}
