// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// took returns how long a call takes that must succeed.
func took(t testing.TB, call func() error) time.Duration {
	t.Helper()
	start := time.Now()
	if err := call(); err != nil {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	return time.Since(start)
}

func search(t testing.TB, d *ldapmgr.Domain) func() error {
	return func() error {
		_, err := d.Search(t.Context(), people("(ou=people)"))
		return err
	}
}

func nothing(context.Context, *instrument.Client) error { return nil }

// When all servers are known to be down, calls fail at once, and one that is back is used soon.
func allDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 3, small)
		d, _ := domain(t, n.config(3))
		for i := range 3 {
			n.host(i).set(blackHole)
		}
		if err := search(t, d)(); !errors.Is(err, ldapmgr.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		start := time.Now()
		err := search(t, d)()
		if got := time.Since(start); got > 10*time.Millisecond {
			t.Errorf("failing took %v although all are known to be down", got)
		}
		if !errors.Is(err, ldapmgr.ErrUnavailable) {
			t.Errorf("got %v, want ErrUnavailable", err)
		}
		for _, e := range d.Status().Endpoints {
			if e.State != ldapmgr.EndpointDown || e.Reason == "" {
				t.Errorf("%+v is not shown as down with a reason", e)
			}
		}
		n.host(2).set(serving)
		deadline := time.Now().Add(3 * time.Second)
		for search(t, d)() != nil {
			if time.Now().After(deadline) {
				t.Fatal("a server that is back is not used within 3 s of calls asking")
			}
			pause(50 * time.Millisecond)
		}
		if got := d.Status().Endpoints[2]; got.State != ldapmgr.EndpointUp {
			t.Errorf("the only server that serves is shown as %s: %s", got.State, got.Reason)
		}
	})
}

// A preferred server that comes back is used again after several good probes, and no call fails on the way.
func failback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		d, _ := domain(t, n.config(2))
		took(t, search(t, d))
		n.host(0).set(refusing)
		for range 60 {
			took(t, search(t, d))
			pause(100 * time.Millisecond)
		}
		n.host(0).set(serving)
		back, before := time.Now(), n.host(0).dialed.Load()
		server := ""
		for server != "a.test:389" && time.Since(back) < 30*time.Second {
			took(t, func() error {
				return d.Do(t.Context(), func(ctx context.Context, c *instrument.Client) error {
					server = c.Server()
					_, err := c.Search(ctx, people("(ou=people)"))
					return err
				})
			})
			pause(20 * time.Millisecond)
		}
		if got := time.Since(back); got > 4500*time.Millisecond || got < 3500*time.Millisecond { // a second below what is promised
			t.Errorf("the preferred server is used again after %v, want 3.5 to 4.5 s", got)
		}
		if got := n.host(0).dialed.Load() - before; got > 6 { // three good probes, the connection, and one probe that came too early
			t.Errorf("it was dialled %d times on the way", got)
		}
	})
}

// Servers that are down are asked one probe at a time, ever more seldom.
func probesAreKind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		d, _ := domain(t, n.config(2))
		n.host(0).set(refusing)
		took(t, search(t, d))
		pause(10 * time.Minute)
		if got := n.host(0).dialed.Load(); got < 40 || got > 140 {
			t.Errorf("a server that was down for 10 minutes was dialled %d times, want about 80", got)
		}
	})
}

// Two waits for an answer that a limit ended within ten seconds take a server down that answers new connections well.
func TestTwoStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		d, _ := domain(t, n.config(2))
		took(t, search(t, d))
		n.host(0).judge(func(_ bool, m wire.Message) verdict {
			if s, err := wire.ParseSearch(m.Body); err == nil && m.Op == wire.SearchRequest && len(s.Base) > 0 {
				return swallow // but not the question whether it is there
			}
			return pass
		})
		for stalls, want := range []ldapmgr.EndpointState{ldapmgr.EndpointUp, ldapmgr.EndpointDown} {
			got := took(t, search(t, d))
			for i := 0; got == 0 && i < 3; i++ { // one to the other server that is left over
				got = took(t, search(t, d))
			}
			if got != 3*time.Second {
				t.Errorf("a call that meets the silence took %v, want 3s", got)
			}
			if got := d.Status().Endpoints[0]; got.State != want {
				t.Errorf("after %d stalls the server is %s: %s", stalls+1, got.State, got.Reason)
			}
			pause(1500 * time.Millisecond) // no longer spared
		}
	})
}

// Calls that fail at once because every server is known to be down are counted as that, and say why each is.
func TestDownIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		d, _ := domain(t, n.config(2))
		n.host(0).set(refusing)
		n.host(1).set(refusing)
		for _, want := range []ldapmgr.Class{ldapmgr.ClassRefused, ldapmgr.ClassDown} {
			err := search(t, d)()
			if got := ldapmgr.Classify(err); got != want || !errors.Is(err, ldapmgr.ErrUnavailable) {
				t.Errorf("got %s: %v; want %s", got, err, want)
			}
			if reason := ldapmgr.Reason(err); !strings.Contains(reason, "refused") {
				t.Errorf("the reason for people is %q", reason)
			}
		}
	})
}
