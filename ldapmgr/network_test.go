// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// network is servers in memory, reached through DomainConfig.Dial, whose faults a test switches. It works inside of a
// synctest bubble, because it has no sockets.
type network struct {
	hosts map[string]*host // by name
}

// host is one server: an in-memory directory, or what dials says, behind a proxy that knows LDAP.
type host struct {
	Dir   *ldaptest.Directory
	dials func(ctx context.Context) (net.Conn, error) // in the place of Dir

	accepted chan net.Conn
	mu       sync.Mutex // guards what follows
	mode     mode
	verdict  func(toClient bool, m wire.Message) verdict
	links    map[*link]struct{}
	dialed   atomic.Int64
}

// mode is what becomes of a new connection.
type mode int

const (
	serving   mode = iota
	refusing       // connection refused
	blackHole      // no answer to the connection attempt
	frozen         // accepts, never answers; connections made before are silent too
)

// verdict is what becomes of one message.
type verdict int

const (
	pass    verdict = iota
	swallow         // the message and all that follow on this connection are lost, as a stream loses them
	cut             // the connection ends in the place of the message
	cutHalf         // half of the message arrives, then the connection ends
	reset           // half of the message arrives, then the connection is reset
	twice           // the message arrives twice
	drip            // one byte arrives per second
)

// start runs a network whose hosts a.test, b.test, ... have the same content, until the test ends.
func start(t *testing.T, count int, cfg func() ldaptest.Config) *network {
	t.Helper()
	n := &network{hosts: map[string]*host{}}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	t.Cleanup(func() { cancel(); run.Wait() })
	for i := range count {
		dir, err := ldaptest.New(cfg())
		if err != nil {
			t.Fatal(err)
		}
		h := &host{Dir: dir, accepted: make(chan net.Conn), links: map[*link]struct{}{}}
		n.hosts[string(rune('a'+i))+".test"] = h
		run.Go(func() { _ = dir.Serve(ctx, &listener{ctx: ctx, host: h}) }) // ends with ctx
	}
	return n
}

// through returns a host that forwards to a real server.
func through(dial func(ctx context.Context) (net.Conn, error)) *host {
	return &host{dials: dial, links: map[*link]struct{}{}}
}

// small is a directory with few entries, quick to load.
func small() ldaptest.Config {
	return ldaptest.Config{RootPassword: password, LDIF: strings.NewReader("dn: " + suffix + "\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n" +
		"dn: ou=people," + suffix + "\nobjectClass: organizationalUnit\nou: people\n")}
}

func (n *network) host(i int) *host { return n.hosts[string(rune('a'+i))+".test"] }

// config returns a domain on the first count hosts.
func (n *network) config(count int) ldapmgr.DomainConfig {
	c := bound()
	for i := range count {
		c.Servers = append(c.Servers, "ldap://"+string(rune('a'+i))+".test")
	}
	c.Dial = n.dial
	return c
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	name, _, _ := net.SplitHostPort(address)
	h := n.hosts[name]
	if h == nil {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return h.dial(ctx)
}

func (h *host) dial(ctx context.Context) (net.Conn, error) {
	h.dialed.Add(1)
	switch h.state() {
	case refusing:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case blackHole:
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
	}
	client, clientFar := net.Pipe()
	var serverFar net.Conn
	if h.dials != nil {
		var err error
		if serverFar, err = h.dials(ctx); err != nil {
			return nil, err
		}
	} else {
		var server net.Conn
		server, serverFar = net.Pipe()
		select {
		case h.accepted <- server:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	l := &link{host: h, client: clientFar, server: serverFar, ended: make(chan struct{})}
	h.mu.Lock()
	h.links[l] = struct{}{}
	h.mu.Unlock()
	go l.pump(true)
	go l.pump(false)
	return &socket{client, l}, nil
}

// socket is the client's side. It tells of a reset as a real one does.
type socket struct {
	net.Conn
	link *link
}

func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if err != nil && s.link.reset.Load() {
		err = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return n, err
}

func (h *host) state() mode {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mode
}

// set switches the mode. Refusing also cuts the connections there are, as a server that ends would.
func (h *host) set(m mode) {
	h.mu.Lock()
	h.mode = m
	var cutting []*link
	for l := range h.links {
		if m == refusing {
			cutting = append(cutting, l)
		}
	}
	h.mu.Unlock()
	for _, l := range cutting {
		l.close()
	}
}

// judge sets what becomes of messages; nil lets all pass.
func (h *host) judge(f func(toClient bool, m wire.Message) verdict) {
	h.mu.Lock()
	h.verdict = f
	h.mu.Unlock()
}

// lose makes the connections there are half-open, as a firewall that forgets them does.
func (h *host) lose() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.links {
		l.lost.Store(true)
	}
}

// mend ends every fault, but not what is lost already.
func (h *host) mend() {
	h.set(serving)
	h.judge(nil)
	if h.Dir != nil {
		h.Dir.SetFault(nil)
	}
}

// open returns how many connections there are.
func (h *host) open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.links)
}

// pause waits by the clock of the bubble.
func pause(d time.Duration) { <-time.After(d) }
