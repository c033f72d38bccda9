// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// fault is something that goes wrong, and what callers may then expect. The list is the contract of the package: TestFaults
// proves each of it, and the soak draws from it.
type fault struct {
	row    string // its number in the list, from F1
	name   string
	expect string
	hit    func(h *host, now turn)         // makes a server of the network fail so; nil where it is no server that fails
	rest   time.Duration                   // since the last call when it strikes
	first  time.Duration                   // most that the call takes which meets the fault, with three servers; 0 where hit is nil
	later  time.Duration                   // most that the calls after it take
	proofs []proof                         // further ones
	told   ldapmgr.Class                   // how it is told, once
	silent string                          // why it is not; the one or the other
	meets  func(*testing.T, ldapmgr.Class) // meets it and proves what is told; default hit, with three servers
}

// proof is a test of one side of a fault.
type proof struct {
	name string
	run  func(*testing.T)
}

// turn tells whether a fault strikes now.
type turn func() bool

func always() bool { return true }

// sometimes strikes each n-th time.
func sometimes(n int64) turn {
	var count atomic.Int64
	return func() bool { return count.Add(1)%n == 0 }
}

// first strikes once.
func first() turn {
	var struck atomic.Bool
	return func() bool { return struck.CompareAndSwap(false, true) }
}

// on makes a verdict about messages of one kind.
func on(op wire.Op, v verdict) func(*host, turn) {
	return func(h *host, now turn) {
		h.judge(func(_ bool, m wire.Message) verdict {
			if m.Op == op && now() {
				return v
			}
			return pass
		})
	}
}

// does makes the directory of a host do something in the place of a search. A real server does what it does.
func does(a ldaptest.Action) func(*host, turn) {
	return func(h *host, now turn) {
		if h.Dir == nil {
			return
		}
		h.Dir.SetFault(ldaptest.On(wire.SearchRequest, func(ldaptest.Request) ldaptest.Action {
			if now() {
				return a
			}
			return ldaptest.Action{}
		}))
	}
}

// faults is the list.
func faults() []fault {
	all := append(connectFaults(), answerFaults()...)
	all = append(all, tlsFaults()...)
	return append(all, localFaults()...)
}

// strikes are the faults of the list that a server of a network can have.
func strikes() []fault {
	return slices.DeleteFunc(faults(), func(f fault) bool { return f.hit == nil })
}

func TestFaults(t *testing.T) {
	t.Parallel()
	proved := map[string]int{}
	for _, f := range faults() {
		proved[f.row]++
		if f.name == "" || f.expect == "" || f.hit == nil && len(f.proofs) == 0 || (f.hit == nil) != (f.first == 0) {
			t.Errorf("%s says or proves too little", f.row)
		}
		if (f.told == "") == (f.silent == "") || f.hit == nil && f.meets == nil {
			t.Errorf("%s does not say or prove how it is told", f.row)
		}
		t.Run(f.row, func(t *testing.T) {
			t.Parallel()
			if f.hit != nil {
				t.Run(f.name, func(t *testing.T) {
					t.Parallel()
					t.Run("cold", func(t *testing.T) { t.Parallel(); failsOver(t, f, false) })
					t.Run("warm", func(t *testing.T) { t.Parallel(); failsOver(t, f, true) })
				})
			}
			for _, p := range f.proofs {
				t.Run(p.name, p.run)
			}
			if f.hit != nil || f.meets != nil {
				t.Run("told", func(t *testing.T) { t.Parallel(); tells(t, f) })
			}
		})
	}
	for n := 1; n <= 36; n++ {
		if row := fmt.Sprint("F", n); proved[row] != 1 {
			t.Errorf("%s is in the list %d times, want once", row, proved[row])
		}
	}
}

// failsOver proves that with three servers a fault of the preferred one costs the call that meets it no more than the
// bound, and later calls next to nothing, and that none of them fails. Once mended, the server serves again. warm tells
// whether a connection was there before the fault.
func failsOver(t *testing.T, f fault, warm bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 3, small)
		d, _ := domain(t, n.config(3))
		if warm {
			took(t, search(t, d))
		}
		pause(f.rest)
		f.hit(n.host(0), first())
		worst := took(t, search(t, d))
		if worst > f.first {
			t.Errorf("the call that meets it took %v, want at most %v", worst, f.first)
		}
		t.Logf("the call that meets it took %v of %v", worst, f.first)
		for range 20 {
			if got := took(t, search(t, d)); got > f.later {
				t.Errorf("a later call took %v, want at most %v", got, f.later)
			}
		}
		connect := func() error { return d.DoAs(t.Context(), admin, password, nothing) }
		if first, next := took(t, connect), took(t, connect); first > f.first || next > f.later {
			t.Errorf("new connections took %v and %v, want at most %v and %v", first, next, f.first, f.later)
		}
		n.host(0).mend()
		for begin := time.Now(); time.Since(begin) < 25*time.Second; pause(250 * time.Millisecond) { // probes, then failback
			took(t, search(t, d))
		}
		before := n.host(0).Dir.Requests(wire.SearchRequest)
		took(t, search(t, d))
		if n.host(0).Dir.Requests(wire.SearchRequest) == before {
			t.Errorf("the mended server does not serve: %+v", d.Status().Endpoints[0])
		}
	})
}
