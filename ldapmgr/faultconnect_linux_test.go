// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// connectFaults are those of names, addresses and of servers that are not there.
func connectFaults() []fault {
	return []fault{
		{row: "F1", name: "names cannot be looked up", expect: "the last good answer or the next server within 1 s; class dns",
			proofs: []proof{{"no such name", namesFail(func(*names) {})}, {"server failure", namesFail(func(n *names) { n.broken = true })}, {"stale", namesStale}},
			told:   ldapmgr.ClassDNS, meets: meetsLive(func(t *testing.T) ldapmgr.DomainConfig { c, _ := byName(t, &names{}); return c })},
		{row: "F2", name: "the name server is silent", expect: "the same within 1 s",
			proofs: []proof{{"silence", namesFail(func(n *names) { n.silent = true })}},
			told:   ldapmgr.ClassDNS, meets: meetsLive(func(t *testing.T) ldapmgr.DomainConfig { c, _ := byName(t, &names{silent: true}); return c })},
		{row: "F3", name: "two of three addresses of a name are dead", expect: "staggered attempts, 0.6 s",
			proofs: []proof{{"refused", addressesStaggered}, {"full queue", deadAddresses}},
			silent: "the server answers at another address; the attempts have spans of their own", meets: meetsDeadAddresses},
		{row: "F4", name: "refused", expect: "the next server within 50 ms",
			hit: func(h *host, _ turn) { h.set(refusing) }, first: 50 * time.Millisecond, later: time.Millisecond,
			told: ldapmgr.ClassRefused},
		{row: "F5", name: "black hole", expect: "the next server after 0.5 s, then remembered",
			hit: func(h *host, _ turn) { h.set(blackHole) }, first: 500 * time.Millisecond, later: time.Millisecond,
			proofs: []proof{{"full queue", deadServer}},
			told:   ldapmgr.ClassTimeoutConnect, meets: meets(func(n *network) ldapmgr.DomainConfig { return n.config(3) }, func(n *network, _ *witness) {
				n.host(0).set(refusing) // which ends the connections there are
				n.host(0).set(blackHole)
			})},
		{row: "F6", name: "frozen", expect: "the next server after 1.2 s, then no wait",
			hit: func(h *host, _ turn) { h.set(frozen) }, first: 1200 * time.Millisecond, later: time.Millisecond,
			proofs: []proof{{"SIGSTOP", slapdOutages}},
			told:   ldapmgr.ClassTimeout},
		{row: "F7", name: "half-open while idle", expect: "found when it is borrowed, 0.5 s",
			rest: 40 * time.Second, hit: func(h *host, _ turn) { h.lose() }, first: 500 * time.Millisecond, later: time.Millisecond,
			proofs: []proof{{"all connections", halfOpen}},
			told:   ldapmgr.ClassTimeout},
		{row: "F8", name: "half-open with a request in flight", expect: "3 s without progress end it, and it is asked again",
			hit: on(wire.SearchRequest, swallow), first: 3100 * time.Millisecond, later: time.Millisecond,
			proofs: []proof{{"socket option", userTimeout}},
			told:   ldapmgr.ClassTimeout},
		{row: "F9", name: "the peer stops reading", expect: "a write is bounded by 2 s, and the socket is closed",
			proofs: []proof{{"blocked write", blockedWrite}},
			told:   ldapmgr.ClassTimeout, meets: meetsBlockedWrite},
	}
}

// userTimeout proves that the kernel ends a connection whose peer does not acknowledge what was sent.
func userTimeout(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, small())
	var options []int
	c := bound(server.URL())
	c.Dial = nil // the manager's own
	d, _ := domain(t, c)
	took(t, search(t, d))
	for fd := range 1 << 10 { // of this process, those to the server
		peer, err := syscall.Getpeername(fd)
		if to, ok := peer.(*syscall.SockaddrInet4); err != nil || !ok || (&net.TCPAddr{IP: to.Addr[:], Port: to.Port}).String() != server.Addr() {
			continue
		}
		if ms, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, 0x12); err == nil {
			options = append(options, ms)
		}
	}
	if len(options) != 1 || options[0] != 5000 {
		t.Errorf("TCP_USER_TIMEOUT of the connections is %v ms, want 5000 on one", options)
	}
}

// deafServer answers binds and searches with success until it has heard of (a=1), then reads nothing more.
func deafServer(t *testing.T) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	t.Cleanup(func() { cancel(); _ = listener.Close(); run.Wait() })
	run.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			run.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
				answerUntilDeaf(conn)
				<-ctx.Done()
			})
		}
	})
	return "ldap://" + listener.Addr().String()
}

func answerUntilDeaf(conn net.Conn) {
	framer := wire.NewFramer(conn, wire.DefaultLimits)
	for {
		raw, err := framer.Next()
		if err != nil {
			return
		}
		m, err := wire.ParseMessage(raw)
		if err != nil {
			return
		}
		var e wire.Encoder
		e.Message(m.ID, func(e *wire.Encoder) { e.Result(wire.ResponseTo(m.Op), wire.Reply{}) }, nil)
		if _, err := conn.Write(e.Bytes); err != nil {
			return
		}
		if s, err := wire.ParseSearch(m.Body); err == nil && m.Op == wire.SearchRequest {
			if f, err := wire.ParseFilter(s.Filter); err == nil && f.String() == "(a=1)" {
				return
			}
		}
	}
}

// blockedWrite proves that a request that the server does not take is bounded, and that those who queue are too.
func blockedWrite(t *testing.T) {
	t.Parallel()
	c := bound(deafServer(t))
	c.Pool.MaxOpen = 1
	c.Timeouts = ldapmgr.Timeouts{Idle: time.Minute, Call: time.Minute} // only the limit on writes counts
	d, _ := domain(t, c)
	if _, err := d.Search(t.Context(), people("(a=1)")); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	var all sync.WaitGroup
	all.Go(func() {
		_, err := d.Search(t.Context(), people("(cn="+strings.Repeat("x", 8<<20)+")"))
		if class := ldapmgr.Classify(err); class != ldapmgr.ClassTimeout && class != ldapmgr.ClassTimeoutConnect {
			t.Errorf("class %s: %v", class, err)
		}
	})
	for d.Status().Pool.InUse == 0 {
		pause(time.Millisecond)
	}
	for range 40 {
		all.Go(func() { _ = search(t, d)() }) // they wait for their turn, or come later
	}
	all.Wait()
	if got := time.Since(begin); got > 30*time.Second { // a minute without the limit; the race detector makes much of 8 MiB
		t.Errorf("took %v, want 2s for the write, and as much for the second try", got)
	}
	if s := d.Status().Pool; s.InUse != 0 || s.Waiting != 0 {
		t.Errorf("pool %+v", s)
	}
}
