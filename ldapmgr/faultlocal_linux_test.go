// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"sync"
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

// localFaults are those of accounts, of several servers together, and of this process.
func localFaults() []fault {
	return []fault{
		{row: "F17", name: "the service account's password changed", expect: "one refused bind per password; bound connections serve on",
			proofs: []proof{{"circuit", credentialCircuit}, {"bound connections", circuitKeepsConnections}, {"ppolicy", slapdRotation}},
			told:   ldapmgr.ClassCredentials, meets: meets(wrongPassword, quiet)},
		{row: "F18", name: "sub-codes of Active Directory", expect: "a hint of its own for operators, one error for the caller",
			proofs: []proof{{"hints", subCodes}},
			silent: "a login's outcome; the bind's own span, metric and row tell it", meets: meetsAlone(func(n *network, w *witness) { _ = w.domain.BindAs(context.Background(), "uid=ada,"+suffix, "wrong") })},
		{row: "F28", name: "servers die, flap and come back", expect: "fail in 10 ms when all are known to be down; failback within 5 s; no error while one serves",
			proofs: []proof{{"all down", allDown}, {"failback", failback}, {"probes", probesAreKind}, {"flapping", flapping}},
			told:   ldapmgr.ClassRefused, meets: meetsAlone(func(n *network, _ *witness) { n.host(0).set(refusing) })},
		{row: "F29", name: "stale replica", expect: "reads go where the change went; a sync does not go back behind what it has read",
			proofs: []proof{{"own change", readsOwnChange}, {"failback", readsOwnChangeAfterFailback}, {"elsewhere", readsOwnChangeElsewhere}, {"replica", staleReplica}},
			told:   ldapmgr.ClassStale, meets: meetsStale},
		{row: "F31", name: "the clock jumps", expect: "only the monotonic clock decides; certificate errors name the clock",
			proofs: []proof{{"monotonic", monotonic}},
			silent: "nothing fails", meets: meets(func(n *network) ldapmgr.DomainConfig { return n.config(3) }, asleep)},
		{row: "F32", name: "pool exhausted", expect: "a wait of 1 s, a typed error, a report with the borrower's stack",
			proofs: []proof{{"thousand borrowers", thousandBorrowers}, {"report", leakReport}},
			told:   ldapmgr.ClassExhausted, meets: meetsAlone(hoarded)},
		{row: "F33", name: "identity left behind", expect: "every search is made by whom it should be",
			proofs: []proof{{"identities", identities}},
			silent: "nothing fails", meets: meets(func(n *network) ldapmgr.DomainConfig { return n.config(2) }, otherIdentities)},
		{row: "F34", name: "a slow reader of a stream", expect: "no wait for others",
			proofs: []proof{{"stream", slowReader}},
			silent: "nothing fails", meets: meetsSlowReader},
		{row: "F35", name: "no descriptors or ports left", expect: "back-off, no spinning (5 % of a processor), one alert",
			proofs: []proof{{"EMFILE", noDescriptors}, {"setrlimit", realDescriptors}},
			told:   ldapmgr.ClassDescriptors, meets: meets(withoutDescriptors, quiet)},
		{row: "F36", name: "telemetry and readers of the recorder hang", expect: "no wait",
			proofs: []proof{{"sinks", hangingSinks}},
			silent: "who would tell it is what fails", meets: meetsHangingSinks},
	}
}

func subCodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, _ := domain(t, n.config(1))
		seen := map[string]string{}
		for _, code := range []string{"525", "52e", "530", "531", "532", "533", "701", "773", "775"} {
			text := "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data " + code + ", v4563\x00"
			n.host(0).Dir.SetFault(ldaptest.On(wire.BindRequest, ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 49, Diagnostic: text}})))
			err := d.BindAs(t.Context(), "uid=ada,"+suffix, "secret")
			if !errors.Is(err, ldapmgr.ErrInvalidCredentials) || ldapmgr.SubCode(err) != code {
				t.Errorf("%s: got %v, sub-code %q", code, err, ldapmgr.SubCode(err))
			}
			hint := ldapmgr.Hint(err)
			if before, dup := seen[hint]; dup || hint == "" {
				t.Errorf("%s has the hint %q, as has %q", code, hint, before)
			}
			seen[hint] = code
		}
	})
}

// flapping proves that a preferred server that comes and goes costs no call, and is not asked all the time.
func flapping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		d, _ := domain(t, n.config(2))
		took(t, search(t, d))
		before := n.host(0).dialed.Load()
		for range 100 {
			n.host(0).set(refusing)
			pause(300 * time.Millisecond)
			n.host(0).set(serving)
			for range 3 {
				if got := took(t, search(t, d)); got > 50*time.Millisecond {
					t.Errorf("a call took %v", got)
				}
				pause(100 * time.Millisecond)
			}
		}
		if got := n.host(0).dialed.Load() - before; got > 150 {
			t.Errorf("a server that flapped for a minute was dialled %d times, want about one in 800 ms", got)
		}
	})
}

// readsOwnChange proves that a change and the reads after it meet the same server, whatever order the calls come in.
func readsOwnChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 3, small) // three directories that never replicate: each other server is as stale as can be
		d, _ := domain(t, writable(n.config(3)))
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				value := fmt.Sprint("value ", i)
				change := ldap.NewModifyRequest("ou=people,"+suffix, nil)
				change.Add("description", []string{value})
				if _, err := d.Modify(t.Context(), change); err != nil {
					t.Error(err)
				}
				if is, err := d.Compare(t.Context(), "ou=people,"+suffix, "description", value); !is || err != nil {
					t.Errorf("the change is not seen: %v, %v", is, err)
				}
			})
		}
		all.Wait()
	})
}

// monotonic proves that nothing which bounds, retries or probes takes the monotonic reading out of a time.
func monotonic(t *testing.T) {
	t.Parallel()
	strips := []string{"Round", "Truncate", "UTC", "Local", "In", "Unix", "UnixMilli", "UnixMicro", "UnixNano", "AddDate"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		if !slices.Contains([]string{"pool.go", "waiter.go", "member.go", "endpoint.go", "fleet.go", "keeper.go", "budget.go", "credential.go", "connect.go", "dialer.go", "use.go", "srv.go"}, name) {
			continue
		}
		checked++
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			if s, ok := node.(*ast.SelectorExpr); ok && slices.Contains(strips, s.Sel.Name) {
				t.Errorf("%s uses %s, which follows the wall clock", name, s.Sel.Name)
			}
			return true
		})
	}
	if checked != 12 {
		t.Errorf("%d files were looked at, want 12", checked)
	}
}

func thousandBorrowers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		d, _ := domain(t, n.config(1))
		release := make(chan struct{})
		begin := time.Now()
		var served, refused atomic.Int64
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() {
				err := d.Do(t.Context(), func(context.Context, *instrument.Client) error { served.Add(1); <-release; return nil })
				if err == nil {
					return
				}
				refused.Add(1)
				if got := time.Since(begin); !errors.Is(err, ldapmgr.ErrPoolExhausted) || got != time.Second {
					t.Errorf("after %v: %v; want ErrPoolExhausted after 1s", got, err)
				}
			})
		}
		pause(2 * time.Second)
		close(release)
		all.Wait()
		if served.Load() != 8 || refused.Load() != 992 {
			t.Errorf("%d were served and %d refused, want 8 and 992", served.Load(), refused.Load())
		}
		took(t, search(t, d))
	})
}
