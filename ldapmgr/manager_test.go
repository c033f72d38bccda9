// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

func TestNames(t *testing.T) {
	t.Parallel()
	ok := ldapmgr.DomainConfig{Servers: []string{"ldap://a"}}
	aliased := ok
	aliased.Aliases = []string{"corp.example.org", "CorpUPN"}
	two := map[string]ldapmgr.DomainConfig{"CORP": aliased, "LAB": ok}
	tests := []struct {
		name   string
		config ldapmgr.Config
		ask    string
		want   string // "" for ErrUnknownDomain
	}{
		{name: "name", config: ldapmgr.Config{Domains: two}, ask: "CORP", want: "CORP"},
		{name: "other case", config: ldapmgr.Config{Domains: two}, ask: "corp", want: "CORP"},
		{name: "alias", config: ldapmgr.Config{Domains: two}, ask: "CORP.Example.org", want: "CORP"},
		{name: "unknown", config: ldapmgr.Config{Domains: two, Default: "LAB"}, ask: "MOON"},
		{name: "unlisted", config: ldapmgr.Config{Domains: two, Default: "LAB", ServeUnlisted: true}, ask: "MOON", want: "LAB"},
		{name: "empty without default", config: ldapmgr.Config{Domains: two}},
		{name: "empty with default", config: ldapmgr.Config{Domains: two, Default: "corpupn"}, want: "CORP"},
		{name: "empty with one domain", config: ldapmgr.Config{Domains: map[string]ldapmgr.DomainConfig{"LAB": ok}}, want: "LAB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.config.Scope = instrument.New()
			m, err := ldapmgr.New(test.config)
			if err != nil {
				t.Fatal(err)
			}
			d, err := m.Domain(test.ask)
			if test.want == "" {
				if !errors.Is(err, ldapmgr.ErrUnknownDomain) || !strings.Contains(err.Error(), "CORP, LAB") {
					t.Errorf("got %v, want ErrUnknownDomain with the names", err)
				}
				return
			}
			if err != nil || d.Name() != test.want {
				t.Errorf("got %v, %v; want %s", d, err, test.want)
			}
		})
	}
}

// New makes no connection and starts nothing: goleak and the host's count tell.
func TestNewIsLazy(t *testing.T) {
	t.Parallel()
	n := start(t, 1, small)
	scope := instrument.New()
	if _, err := ldapmgr.New(ldapmgr.Config{Scope: scope, Domains: map[string]ldapmgr.DomainConfig{"A": n.config(1)}}); err != nil {
		t.Fatal(err)
	}
	if n.host(0).dialed.Load() != 0 {
		t.Error("New dialled")
	}
	if s := scope.Snapshots(); len(s) != 1 || s[0].Domain != "A" || s[0].Pool.Max != 8 {
		t.Errorf("the scope does not know the domain: %+v", s)
	}
}

// manager returns a manager of domains, each on a host of its own, that the test closes itself.
func manager(t *testing.T, n *network, names ...string) (*ldapmgr.Manager, *instrument.Scope) {
	t.Helper()
	c := ldapmgr.Config{Scope: instrument.New(), Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{}}
	for i, name := range names {
		one := n.config(i + 1)
		one.Servers = one.Servers[i:]
		c.Domains[name] = one
	}
	m, err := ldapmgr.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m, c.Scope
}

// Domains are connected at the same time, so that a bad one costs the others nothing.
func TestPreload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 3, small)
		m, scope := manager(t, n, "A", "B", "C")
		n.host(0).set(blackHole)
		n.host(1).set(blackHole)
		begin := time.Now()
		err := m.Preload(t.Context())
		if !errors.Is(err, ldapmgr.ErrUnavailable) || !strings.Contains(err.Error(), "in A:") || !strings.Contains(err.Error(), "in B:") {
			t.Errorf("got %v, want A and B unavailable", err)
		}
		if got := time.Since(begin); got > 3*time.Second {
			t.Errorf("took %v", got)
		}
		if got := scope.Snapshots()[2].Pool.Idle; got != 1 {
			t.Errorf("C has %d connections ready, want 1", got)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What one domain suffers does not reach another.
func TestContainment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		m, _ := manager(t, n, "BAD", "GOOD")
		bad, _ := m.Domain("BAD")
		good, _ := m.Domain("GOOD")
		took(t, search(t, good))
		n.host(0).set(frozen)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { _ = search(t, bad)() })
		}
		for range 100 {
			if got := took(t, search(t, good)); got != 0 {
				t.Errorf("a call of the good domain took %v", got)
			}
			pause(20 * time.Millisecond)
		}
		all.Wait()
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Changes may have an account of their own.
func TestWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		c := writable(n.config(1))
		c.Writer = &ldapmgr.Bind{Name: admin, Password: ldapmgr.Secret{Value: password}}
		c.Bind = ldapmgr.Bind{Method: ldapmgr.BindAnonymous}
		d, scope := domain(t, c)
		who := func(lend func(context.Context, func(context.Context, *instrument.Client) error) error) (name string) {
			if err := lend(t.Context(), func(ctx context.Context, c *instrument.Client) (err error) { name, err = c.WhoAmI(ctx); return err }); err != nil {
				t.Error(err)
			}
			return name
		}
		if got := who(d.Do); got != "" {
			t.Errorf("Do is bound as %q, want nobody", got)
		}
		if got := who(d.DoWrite); got != "dn:"+admin {
			t.Errorf("DoWrite is bound as %q", got)
		}
		err := d.Do(t.Context(), func(ctx context.Context, c *instrument.Client) error {
			_, err := c.PasswordModify(ctx, ldap.NewPasswordModifyRequest("", "", "new"))
			return err
		})
		if !errors.Is(err, ldapmgr.ErrMisuse) || errors.Is(err, ldapmgr.ErrReadOnly) || scope.Snapshots()[0].Usage.ExtendedOperations != 2 {
			t.Errorf("a password modify left on the connection for reading: %v", err)
		}
	})
}

// Preload ends with its context, whatever the servers do, and the connection in the making goes on without it.
func TestPreloadDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		m, scope := manager(t, n, "A")
		n.host(0).Dir.SetFault(ldaptest.On(wire.BindRequest, ldaptest.Delay(time.Second)))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if err := m.Preload(ctx); !errors.Is(err, instrument.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrTimeout", err)
		}
		if got := time.Since(begin); got != 100*time.Millisecond {
			t.Errorf("took %v, want 100ms", got)
		}
		pause(2 * time.Second)
		if got := scope.Snapshots()[0].Pool.Idle; got != 1 {
			t.Errorf("%d connections are ready, want the one that was begun", got)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
