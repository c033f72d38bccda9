// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// unread connects to a server that reads nothing but what a handshake needs.
func unread(t *testing.T, secured bool, limit time.Duration) *instrument.Client {
	t.Helper()
	near, far := net.Pipe()
	url, opts := "ldap://127.0.0.1", []instrument.DialOption{
		unhurried, instrument.WithTimeouts(instrument.Timeouts{Write: limit, Idle: -1}),
		instrument.WithDialer(func(context.Context, string, string) (net.Conn, error) { return near, nil }),
	}
	if secured {
		authority, err := ldaptest.NewAuthority()
		if err != nil {
			t.Fatal(err)
		}
		served, err := authority.ServerConfig(ldaptest.Leaf{})
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = tls.Server(far, served).Handshake() }() // ends with the pipe
		url = "ldaps://127.0.0.1"
		opts = append(opts, instrument.WithTLS(&tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}))
	}
	c, err := instrument.New().Dial(t.Context(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	t.Cleanup(func() { _ = far.Close() }) // before it, which would wait for a write that is stuck
	return c
}

// searching sends a search in the background, each from a goroutine of its own.
func searching(t *testing.T, c *instrument.Client, ended chan<- error) {
	t.Helper()
	go func() {
		_, err := c.Search(context.WithoutCancel(t.Context()), search("(uid=a)"))
		ended <- err
	}()
}

// A write that is stuck ends in time however often something else is sent.
func TestStuckWriteUnderSteadySending(t *testing.T) {
	t.Parallel()
	for name, secured := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit, most = 300 * time.Millisecond, 100
			c := unread(t, secured, limit)
			start := time.Now()
			ended := make(chan error, most)
			for sent := 0; sent < most && len(ended) == 0; sent++ {
				searching(t, c, ended)
				<-time.After(50 * time.Millisecond)
			}
			if took := time.Since(start); took > 10*limit {
				t.Errorf("the first write ended after %v, the limit is %v", took, limit)
			}
			if err := <-ended; !errors.Is(err, instrument.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Close takes no longer than its goodbye may, behind a write that is stuck and others that wait for it, with the time that
// they have.
func TestCloseBehindStuckWrites(t *testing.T) {
	t.Parallel()
	for name, secured := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := unread(t, secured, time.Hour)
			ended := make(chan error, 4)
			for range cap(ended) {
				searching(t, c, ended)
			}
			<-time.After(100 * time.Millisecond) // all are under way by now, as a rule
			if err := within(patience, func() error { return c.Close(context.Background()) }); err != nil {
				t.Fatal(err)
			}
			for range cap(ended) {
				if err := within(patience, func() error { return <-ended }); err == nil || errors.Is(err, errHung) {
					t.Errorf("a search that was never sent: %v", err)
				}
			}
		})
	}
}

// gate is a socket whose first write waits to be let through, and whose later ones for their deadline.
type gate struct {
	loose
	closing sync.Once
	closed  chan struct{}
	through chan struct{}
	writes  atomic.Int32
	until   atomic.Pointer[time.Time]
}

func (g *gate) Read([]byte) (int, error) { <-g.closed; return 0, net.ErrClosed }
func (g *gate) Close() error             { g.closing.Do(func() { close(g.closed) }); return nil }

func (g *gate) SetWriteDeadline(t time.Time) error { g.until.Store(&t); return nil }

func (g *gate) Write(p []byte) (int, error) {
	if g.writes.Add(1) == 1 {
		<-g.through
		return len(p), nil
	}
	for until := *g.until.Load(); ; until = *g.until.Load() {
		select {
		case <-g.closed:
			return 0, net.ErrClosed
		case <-time.After(min(time.Until(until), 10*time.Millisecond)):
			if time.Now().After(until) {
				return 0, os.ErrDeadlineExceeded
			}
		}
	}
}

// Who comes to write while somebody takes leave has no more time than who wrote before.
func TestCloseHurriesWhoeverWrites(t *testing.T) {
	t.Parallel()
	g := &gate{closed: make(chan struct{}), through: make(chan struct{})}
	c, err := instrument.New().Dial(t.Context(), "ldap://gate", instrument.WithTimeouts(instrument.Timeouts{Write: time.Hour, Idle: -1}),
		instrument.WithDialer(func(context.Context, string, string) (net.Conn, error) { return g, nil }))
	if err != nil {
		t.Fatal(err)
	}
	ended, closed := make(chan error, 2), make(chan error, 1)
	for range cap(ended) {
		searching(t, c, ended)
		<-time.After(50 * time.Millisecond) // the first one writes, the second one waits for it
	}
	go func() { closed <- c.Close(context.Background()) }()
	eventually(t, "the one that writes is hurried", func() bool { return time.Until(*g.until.Load()) < time.Minute })
	close(g.through)
	if err := within(patience, func() error { return <-closed }); err != nil {
		t.Fatal(err)
	}
	for range cap(ended) {
		if err := <-ended; !errors.Is(err, instrument.ErrConnection) && !errors.Is(err, instrument.ErrTimeout) {
			t.Error(err)
		}
	}
}

// A message has its time for itself: what it waited for the one before, which took nearly as long as it may, does not count.
func TestWritesInTurnHaveTheirTime(t *testing.T) {
	t.Parallel()
	const limit, each = 3 * time.Second, 1800 * time.Millisecond
	c := piped(t, instrument.New(), func(s *session) {
		for range 2 {
			<-time.After(each)
			m, _ := s.next()
			go s.answer(m, 0) // who reads it may still wait to write
		}
		_, _ = s.next()
	}, instrument.WithTimeouts(instrument.Timeouts{Write: limit}))
	ended := make(chan error, 2)
	for range cap(ended) {
		searching(t, c, ended)
	}
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
