// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// once gives a verdict for the first message with a tag, and counts all of them.
func once(op wire.Op, v verdict) (judge func(bool, wire.Message) verdict, seen *atomic.Int64) {
	seen = new(atomic.Int64)
	return func(_ bool, m wire.Message) verdict {
		if m.Op == op && seen.Add(1) == 1 {
			return v
		}
		return pass
	}, seen
}

func writable(c ldapmgr.DomainConfig) ldapmgr.DomainConfig {
	c.ReadOnly = new(bool)
	return c
}

// What may be sent again after which fault.
func TestRetries(t *testing.T) {
	t.Parallel()
	change := ldap.NewModifyRequest("ou=people,"+suffix, nil)
	change.Replace("description", []string{"x"})
	modify := func(d *ldapmgr.Domain, t *testing.T) error { _, err := d.Modify(t.Context(), change); return err }
	read := func(d *ldapmgr.Domain, t *testing.T) error { return search(t, d)() }
	compare := func(d *ldapmgr.Domain, t *testing.T) error {
		_, err := d.Compare(t.Context(), "ou=people,"+suffix, "ou", "people")
		return err
	}
	login := func(d *ldapmgr.Domain, t *testing.T) error { return d.BindAs(t.Context(), admin, password) }
	tests := []struct {
		name string
		op   wire.Op // request or answer that meets the fault
		v    verdict
		call func(*ldapmgr.Domain, *testing.T) error
		sent uint64 // requests of the call that left
		err  error  // nil: it succeeds
	}{
		{name: "search lost on the way", op: wire.SearchRequest, v: cut, call: read, sent: 2},
		{name: "search without answer", op: wire.SearchResultDone, v: cut, call: read, sent: 2},
		{name: "search cut in an entry", op: wire.SearchResultEntry, v: cutHalf, call: read, sent: 2},
		{name: "compare without answer", op: wire.CompareResponse, v: cut, call: compare, sent: 2},
		{name: "modify lost on the way", op: wire.ModifyRequest, v: cut, call: modify, sent: 1, err: ldapmgr.ErrOutcomeUnknown},
		{name: "modify without answer", op: wire.ModifyResponse, v: cut, call: modify, sent: 1, err: ldapmgr.ErrOutcomeUnknown},
		{name: "modify swallowed", op: wire.ModifyResponse, v: swallow, call: modify, sent: 1, err: ldapmgr.ErrOutcomeUnknown},
		{name: "login without answer", op: wire.BindResponse, v: cut, call: login, sent: 1, err: instrument.ErrConnection},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := start(t, 2, small)
				d, scope := domain(t, writable(n.config(2)))
				took(t, search(t, d))
				judge, _ := once(test.op, test.v)
				n.host(0).judge(judge)
				before := scope.Snapshots()[0].Usage
				err := test.call(d, t)
				if !errors.Is(err, test.err) {
					t.Errorf("got %v, want %v", err, test.err)
				}
				used := scope.Snapshots()[0].Usage.Sub(before.Counters)
				sent := map[string]uint64{
					"search": used.SearchOperations, "compare": used.CompareOperations, "modify": used.ModifyOperations, "login": used.BindOperations,
				}[strings.Fields(test.name)[0]]
				if sent != test.sent {
					t.Errorf("the request was sent %d times, want %d", sent, test.sent)
				}
				if got := used.RestartableSuccess; test.err == nil && got != 1 {
					t.Errorf("%d successful retries are counted, want 1", got)
				}
			})
		})
	}
}

// After an unknown outcome the entry tells what happened.
func TestReadBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, _ := domain(t, writable(n.config(1)))
		judge, _ := once(wire.AddResponse, cut)
		n.host(0).judge(judge)
		request := ldap.NewAddRequest("ou=new,"+suffix, nil)
		request.Attribute("objectClass", []string{"organizationalUnit"})
		err := d.Add(t.Context(), request)
		var unknown *ldapmgr.OutcomeError
		if !errors.As(err, &unknown) {
			t.Fatalf("got %v, want an OutcomeError", err)
		}
		e, err := unknown.ReadBack(t.Context(), "ou")
		if err != nil || e.GetAttributeValue("ou") != "new" {
			t.Errorf("reading back gives %v, %v", e, err)
		}
	})
}

// A write on a connection that the server closed meanwhile was not sent, so that it may be.
func TestWriteOnDeadConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, _ := domain(t, writable(n.config(1)))
		took(t, search(t, d))
		n.host(0).set(refusing)
		n.host(0).set(serving) // no wait: the end may not have arrived yet
		change := ldap.NewModifyRequest("ou=people,"+suffix, nil)
		change.Replace("description", []string{"x"})
		if _, err := d.Modify(t.Context(), change); err != nil && !errors.Is(err, ldapmgr.ErrOutcomeUnknown) {
			t.Error(err)
		}
	})
}

func busy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		hosts int
		code  int64
		err   bool
	}{
		{name: "busy, another server", hosts: 2, code: 51},
		{name: "unavailable, another server", hosts: 2, code: 52},
		{name: "busy, no other server", hosts: 1, code: 51, err: true},
		{name: "refused by policy", hosts: 2, code: 53, err: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := start(t, test.hosts, small)
				d, scope := domain(t, n.config(test.hosts))
				took(t, search(t, d))
				n.host(0).Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: test.code}})))
				before := scope.Snapshots()[0].Usage
				err := search(t, d)()
				if (err != nil) != test.err {
					t.Errorf("got %v, want an error: %v", err, test.err)
				}
				if code, _ := instrument.ResultCode(err); test.err && code != test.code {
					t.Errorf("the server's code is %d, want %d", code, test.code)
				}
				if n := scope.Snapshots()[0].Usage.Sub(before.Counters).SearchOperations; test.err && n != 1 {
					t.Errorf("the search was sent %d times, want once", n)
				}
			})
		})
	}
}

// A server that says it is busy is spared for a second, although there are idle connections to it.
func busyIsSpared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		d, _ := domain(t, n.config(2))
		rests(t, d, 3)
		busy := ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 51}}))
		n.host(0).Dir.SetFault(busy)
		took(t, search(t, d))
		n.host(0).Dir.SetFault(nil)
		before := n.host(0).Dir.Requests(wire.SearchRequest)
		for range 9 {
			pause(100 * time.Millisecond)
			took(t, search(t, d))
		}
		if got := n.host(0).Dir.Requests(wire.SearchRequest) - before; got != 0 {
			t.Errorf("a busy server was sent %d searches within a second", got)
		}
		pause(200 * time.Millisecond)
		took(t, search(t, d))
		if got := n.host(0).Dir.Requests(wire.SearchRequest) - before; got == 0 {
			t.Error("the preferred server is not used again after a second")
		}
	})
}

// Retries do not multiply the load when everything fails.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, scope := domain(t, n.config(1))
		took(t, search(t, d))
		n.host(0).judge(func(_ bool, m wire.Message) verdict {
			if m.Op == wire.SearchResultDone {
				return cut
			}
			return pass
		})
		begin := time.Now()
		for range 300 {
			if search(t, d)() == nil {
				t.Fatal("a search succeeds without an answer")
			}
			pause(10 * time.Millisecond)
		}
		used := scope.Snapshots()[0].Usage
		if got := used.RestartableFailures; got < 10 || got > 31 {
			t.Errorf("%d of 300 calls in %v were sent again, want about 30", got, time.Since(begin))
		}
	})
}

// A stream starts anew on another server as long as nothing was handed on, and never after.
func TestEntriesRestart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		nth  int64 // final answer that is cut, from 1
		err  bool
	}{
		{name: "first page", nth: 1},
		{name: "second page", nth: 2, err: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := start(t, 2, small)
				d, _ := domain(t, n.config(2))
				took(t, search(t, d))
				var seen atomic.Int64
				n.host(0).judge(func(_ bool, m wire.Message) verdict {
					if m.Op == wire.SearchResultDone && seen.Add(1) == test.nth {
						return cut
					}
					return pass
				})
				count, failed := 0, error(nil)
				for _, err := range d.Entries(t.Context(), people("(objectClass=*)"), 1) {
					if err != nil {
						failed = err
						continue
					}
					count++
				}
				if (failed != nil) != test.err {
					t.Errorf("got %v, want an error: %v", failed, test.err)
				}
				if failed == nil && count != 2 {
					t.Errorf("got %d entries, want 2 without any twice", count)
				}
			})
		})
	}
}

// Stopping a loop early costs neither the connection nor an error.
func TestEntriesStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, scope := domain(t, n.config(1))
		for _, err := range d.Entries(t.Context(), people("(objectClass=*)"), 1) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if pool := scope.Snapshots()[0].Pool; pool.InUse != 0 || pool.Closed != 0 {
			t.Errorf("pool %+v", pool)
		}
	})
}
