// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// rotating is a password that changes.
type rotating struct{ value atomic.Pointer[string] }

func (r *rotating) set(p string) { r.value.Store(&p) }

func (r *rotating) secret() ldapmgr.Secret {
	return ldapmgr.Secret{Func: func(context.Context, string) (string, error) { return *r.value.Load(), nil }}
}

// failures counts the binds that servers refused.
func failures(scope *instrument.Scope) uint64 { return scope.Snapshots()[0].Usage.BindFailures }

// A refused service account is tried once per password, however many calls on however many servers ask for it.
func credentialCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 3, small)
		var pw rotating
		pw.set("wrong")
		c := n.config(3)
		c.Bind.Password = pw.secret()
		d, scope := domain(t, c)
		ask := func() {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if err := search(t, d)(); !errors.Is(err, ldapmgr.ErrServiceAccount) {
						t.Errorf("got %v, want ErrServiceAccount", err)
					}
				})
			}
			all.Wait()
		}
		for range 20 {
			ask()
			pause(7 * time.Second)
		}
		if got := failures(scope); got != 1 {
			t.Errorf("%d binds were refused, want 1", got)
		}
		if err := search(t, d)(); ldapmgr.Classify(err) != ldapmgr.ClassCredentials || strings.Contains(err.Error(), "wrong:") {
			t.Errorf("class %s, text %q", ldapmgr.Classify(err), err)
		}
		if got := strings.Join(d.Status().Warnings, "\n"); !strings.Contains(got, "service_account: ") {
			t.Errorf("the status does not warn: %s", got)
		}

		pw.set("wrong too") // the next version costs one more
		pause(2 * time.Second)
		ask()
		if got := failures(scope); got != 2 {
			t.Errorf("%d binds were refused after a change of the password, want 2", got)
		}
		pw.set(password)
		pause(2 * time.Second)
		took(t, search(t, d))
		if got := failures(scope); got != 2 {
			t.Errorf("%d binds were refused in the end, want 2", got)
		}
		if got := strings.Join(d.Status().Warnings, "\n"); strings.Contains(got, "service_account: ") {
			t.Errorf("the status still warns: %s", got)
		}
	})
}

// After the cool-down the same password is tried again: the account may have been unlocked.
func TestCredentialCoolDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := n.config(1)
		c.Bind.Password.Value = "wrong"
		d, scope := domain(t, c)
		_ = search(t, d)()
		pause(14 * time.Minute)
		_ = search(t, d)()
		if got := failures(scope); got != 1 {
			t.Errorf("%d binds were refused after 14 minutes, want 1", got)
		}
		pause(2 * time.Minute)
		_ = search(t, d)()
		if got := failures(scope); got != 2 {
			t.Errorf("%d binds were refused after 16 minutes, want 2", got)
		}
	})
}

// Connections that were bound before the password changed serve on.
func circuitKeepsConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		var pw rotating
		pw.set(password)
		c := n.config(1)
		c.Bind.Password = pw.secret()
		d, scope := domain(t, c)
		took(t, search(t, d))
		pw.set("rotated away")
		holds := borrow(t, d)
		waits := borrow(t, d) // makes the manager try a second connection, which is refused
		_ = holds.end(nil)
		if waits.conn != holds.conn {
			t.Error("who waited was not served by the connection that is left")
		}
		_ = waits.end(nil)
		took(t, search(t, d))
		if got := failures(scope); got != 1 {
			t.Errorf("%d binds were refused, want 1", got)
		}
	})
}

// Who waits while no further connection can be made is told both, in time.
func TestWaitWithCircuitOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		n.host(0).Dir.SetFault(ldaptest.On(wire.BindRequest, ldaptest.Delay(1200*time.Millisecond)))
		var pw rotating
		pw.set(password)
		c := n.config(1)
		c.Bind.Password = pw.secret()
		d, _ := domain(t, c)
		took(t, search(t, d))
		holds := borrow(t, d)
		pw.set("rotated away")
		begin := time.Now()
		err := d.Do(t.Context(), nothing)
		if !errors.Is(err, ldapmgr.ErrPoolExhausted) || !errors.Is(err, ldapmgr.ErrServiceAccount) {
			t.Errorf("got %v, want ErrPoolExhausted and ErrServiceAccount", err)
		}
		if got := time.Since(begin); got != 1200*time.Millisecond {
			t.Errorf("waited %v, want 1.2s, which the refusal takes", got)
		}
		_ = holds.end(nil)
	})
}

// A bind without an answer does not keep others from trying another server for long.
func TestBindHandover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		n.host(0).judge(func(_ bool, m wire.Message) verdict {
			if m.Op == wire.BindResponse {
				return swallow
			}
			return pass
		})
		d, _ := domain(t, n.config(2))
		if got := took(t, search(t, d)); got > 1200*time.Millisecond {
			t.Errorf("the call took %v, want at most 1.2s", got)
		}
	})
}

// A secret that cannot be read is named, and no server is blamed.
func TestSecretFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		c := n.config(2)
		missing := filepath.Join(t.TempDir(), "password")
		c.Bind.Password = ldapmgr.Secret{File: missing}
		d, _ := domain(t, c)
		err := search(t, d)()
		if ldapmgr.Classify(err) != ldapmgr.ClassConfig || !strings.Contains(err.Error(), "file "+missing) {
			t.Errorf("class %s, text %q", ldapmgr.Classify(err), err)
		}
		for _, e := range d.Status().Endpoints {
			if e.State == ldapmgr.EndpointDown {
				t.Errorf("server %s is blamed: %s", e.URL, e.Reason)
			}
		}
	})
}
