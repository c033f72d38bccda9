// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Close lets calls end, takes leave of the servers and refuses what comes later.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		m, scope := manager(t, n, "A")
		d, _ := m.Domain("")
		all := []*borrower{borrow(t, d), borrow(t, d), borrow(t, d)}
		_ = all[0].end(nil)
		closed := make(chan error, 1)
		go func() { closed <- m.Close(context.Background()) }()
		synctest.Wait()
		if err := d.Do(t.Context(), nothing); !errors.Is(err, ldapmgr.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		pause(time.Minute)
		select {
		case <-closed:
			t.Error("Close did not wait for what is lent")
		default:
		}
		_, _ = all[1].end(nil), all[2].end(nil)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		usage := scope.Snapshots()[0].Usage
		synctest.Wait()
		if usage.UnbindOperations != 3 || usage.ClosedSockets != 3 || n.host(0).open() != 0 {
			t.Errorf("%d unbinds, %d sockets closed, %d open at the server; want 3, 3, 0", usage.UnbindOperations, usage.ClosedSockets, n.host(0).open())
		}
		if err := m.Close(t.Context()); err != nil {
			t.Errorf("closing twice: %v", err)
		}
	})
}

// A call that does not end is cut when the time for closing is over.
func TestCloseDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		m, _ := manager(t, n, "A")
		d, _ := m.Domain("")
		took(t, search(t, d))
		n.host(0).set(frozen)
		failed := make(chan error, 1)
		go func() { failed <- search(t, d)() }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if err := m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		if got := time.Since(begin); got > 200*time.Millisecond {
			t.Errorf("Close took %v, want 100ms", got)
		}
		if err := <-failed; err == nil {
			t.Error("the call that was cut did not fail")
		}
		if got := time.Since(begin); got > 200*time.Millisecond {
			t.Errorf("the call was cut after %v, want 100ms", got)
		}
	})
}

// Close returns when the last goroutine has ended, also one that is deaf to its context.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := bound("ldap://a.test")
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			<-release
			return nil, net.ErrClosed
		}
		m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"A": c}})
		if err != nil {
			t.Fatal(err)
		}
		d, _ := m.Domain("")
		failed, closed := make(chan error, 1), make(chan error, 1)
		go func() { failed <- search(t, d)() }()
		synctest.Wait()
		go func() { closed <- m.Close(context.Background()) }()
		synctest.Wait()
		if err := <-failed; !errors.Is(err, ldapmgr.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		select {
		case <-closed:
			t.Error("Close did not wait for the connection in the making")
		default:
		}
		close(release)
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// lines is a log that a test reads.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// holdForLong is the function that a leak report should name.
func holdForLong(d *ldapmgr.Domain, release chan struct{}) {
	_ = d.Do(context.Background(), func(context.Context, *instrument.Client) error { <-release; return nil })
}

func leakReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, small)
		var log lines
		m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Logger: slog.New(slog.NewTextHandler(&log, nil)), Domains: map[string]ldapmgr.DomainConfig{"A": n.config(1)}})
		if err != nil {
			t.Fatal(err)
		}
		d, _ := m.Domain("")
		release := make(chan struct{})
		go holdForLong(d, release)
		pause(29 * time.Second)
		if strings.Contains(log.String(), "held for long") {
			t.Error("reported before 30 s")
		}
		pause(time.Minute)
		if got := strings.Count(log.String(), "held for long"); got != 1 {
			t.Errorf("reported %d times, want once", got)
		}
		if !strings.Contains(log.String(), "ldapmgr_test.holdForLong") || !strings.Contains(log.String(), "close_test.go") {
			t.Errorf("the report does not name the borrower: %s", log.String())
		}
		if got := d.Status().Leaks; got != 1 {
			t.Errorf("%d leaks are counted, want 1", got)
		}
		close(release)
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
