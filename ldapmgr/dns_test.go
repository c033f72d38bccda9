// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// names is a DNS server in memory: A records by name, SRV records by name, and faults.
type names struct {
	mu     sync.Mutex // guards what follows
	a      map[string][]netip.Addr
	srv    map[string][]srvRecord
	broken bool // SERVFAIL
	silent bool // no answer
	closed bool
	conns  []net.Conn
}

type srvRecord struct {
	priority uint16
	port     uint16
	target   string
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.closed {
			return nil, net.ErrClosed
		}
		client, server := net.Pipe() // no net.PacketConn, so that messages come as over TCP
		n.conns = append(n.conns, server)
		go n.serve(server)
		return client, nil
	}}
}

// close ends look-ups that are under way: package net would wait for their answers for seconds.
func (n *names) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, c := range n.conns {
		_ = c.Close()
	}
}

func (n *names) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		if reply := n.answer(query); reply != nil {
			if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
				return
			}
		}
	}
}

// answer makes the reply to one question (RFC 1035 section 4, RFC 2782), or nil for silence.
func (n *names) answer(query []byte) []byte {
	name, rest := "", query[12:]
	for rest[0] != 0 {
		name += string(rest[1:1+rest[0]]) + "."
		rest = rest[1+rest[0]:]
	}
	kind := binary.BigEndian.Uint16(rest[1:])
	question := query[12 : len(query)-len(rest)+5]
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.silent {
		return nil
	}
	var answers [][]byte
	switch kind {
	case 1:
		for _, a := range n.a[name] {
			b := a.As4()
			answers = append(answers, b[:])
		}
	case 33:
		for _, s := range n.srv[name] {
			data := binary.BigEndian.AppendUint16(nil, s.priority)
			data = binary.BigEndian.AppendUint16(data, 0)
			data = binary.BigEndian.AppendUint16(data, s.port)
			for _, label := range strings.FieldsFunc(s.target, func(r rune) bool { return r == '.' }) {
				data = append(append(data, byte(len(label))), label...)
			}
			answers = append(answers, append(data, 0))
		}
	}
	code := uint16(0)
	if n.broken {
		code, answers = 2, nil
	} else if n.a[name] == nil && n.srv[name] == nil {
		code = 3
	}
	reply := binary.BigEndian.AppendUint16(slices.Clone(query[:2]), 0x8180|code)
	reply = binary.BigEndian.AppendUint16(reply, 1)
	reply = binary.BigEndian.AppendUint16(reply, uint16(len(answers)))
	reply = append(append(reply, 0, 0, 0, 0), question...)
	for _, data := range answers {
		reply = append(reply, 0xc0, 12)
		reply = binary.BigEndian.AppendUint16(reply, kind)
		reply = append(reply, 0, 1, 0, 0, 0, 60)
		reply = binary.BigEndian.AppendUint16(reply, uint16(len(data)))
		reply = append(reply, data...)
	}
	return reply
}

// byName is a domain on a real in-memory directory whose host is a name.
func byName(t *testing.T, n *names) (ldapmgr.DomainConfig, *ldaptest.Server) {
	t.Helper()
	server := ldaptest.Start(t, small())
	t.Cleanup(n.close)
	_, port, _ := net.SplitHostPort(server.Addr())
	c := bound("ldap://dc.example.org:" + port)
	c.Resolver = n.resolver()
	return c, server
}

// namesFail proves what becomes of a server whose name cannot be looked up, alone and before another.
func namesFail(change func(*names)) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		var n names
		change(&n)
		c, server := byName(t, &n)
		d, _ := domain(t, c)
		begin := time.Now()
		err := search(t, d)()
		if ldapmgr.Classify(err) != ldapmgr.ClassDNS {
			t.Errorf("class %s: %v", ldapmgr.Classify(err), err)
		}
		if got := time.Since(begin); got > 2500*time.Millisecond { // 5 s and more without the limit
			t.Errorf("took %v, want about 1s", got)
		}
		c.Servers = append(c.Servers, server.URL())
		d, _ = domain(t, c)
		if got := took(t, search(t, d)); got > 2500*time.Millisecond {
			t.Errorf("with another server it took %v, want at most 1s", got)
		}
	}
}

// An old answer serves when names cannot be looked up.
func namesStale(t *testing.T) {
	t.Parallel()
	n := &names{a: map[string][]netip.Addr{"dc.example.org.": {netip.MustParseAddr("127.0.0.1")}}}
	c, _ := byName(t, n)
	c.Pool.MaxUses = 1 // each call needs a new connection
	d, _ := domain(t, c)
	took(t, search(t, d))
	n.set(func() { n.broken = true })
	took(t, search(t, d))
}

// Of several addresses the dead ones cost a stagger each, not a timeout each.
func addressesStaggered(t *testing.T) {
	t.Parallel()
	n := &names{a: map[string][]netip.Addr{"dc.example.org.": {
		netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.1"),
	}}}
	c, _ := byName(t, n) // listens on 127.0.0.1 alone: the others refuse, which is the quick half
	d, _ := domain(t, c)
	if got := took(t, search(t, d)); got > 900*time.Millisecond {
		t.Errorf("took %v, want no wait", got)
	}
}

func TestSRV(t *testing.T) {
	t.Parallel()
	_, _ = (&names{}).resolver().LookupHost(t.Context(), "first.use") // package net makes a channel that no bubble may own
	synctest.Test(t, func(t *testing.T) {
		network := start(t, 3, small)
		n := &names{srv: map[string][]srvRecord{"_ldap._tcp.example.org.": {{20, 389, "b.test."}, {10, 389, "a.test."}}}}
		c := network.config(0)
		c.SRV, c.Resolver = "example.org", n.resolver()
		c.Pool.MaxUses = 1 // each call needs a new connection
		d, _ := domain(t, c)
		took(t, search(t, d))
		if got := urls(d); got != "ldap://a.test:389 ldap://b.test:389" {
			t.Errorf("servers are %s", got)
		}
		// The list is looked up again, and an old one serves when that fails.
		n.set(func() { n.srv["_ldap._tcp.example.org."] = []srvRecord{{10, 389, "c.test."}} })
		pause(6 * time.Minute)
		took(t, search(t, d))
		if got := urls(d); got != "ldap://c.test:389" {
			t.Errorf("servers are %s after the change", got)
		}
		n.set(func() { n.broken = true })
		pause(6 * time.Minute)
		took(t, search(t, d))
		if got := urls(d); got != "ldap://c.test:389" {
			t.Errorf("servers are %s without DNS", got)
		}
	})
}

func urls(d *ldapmgr.Domain) string {
	var list []string
	for _, e := range d.Status().Endpoints {
		list = append(list, e.URL)
	}
	return strings.Join(list, " ")
}

func TestSRVFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		srv     string
		records []srvRecord
		want    string // servers, "" when there is none
	}{
		{name: "none", srv: "example.org"},
		{name: "not offered", srv: "example.org", records: []srvRecord{{0, 389, "."}}},
		{name: "TLS from the start", srv: "ldaps://example.org", records: []srvRecord{{0, 389, "dc.example.org."}, {1, 3268, "gc.example.org."}}, want: "ldaps://dc.example.org:636 ldaps://gc.example.org:3269"},
		{name: "whole name", srv: "_ldap._tcp.example.org", records: []srvRecord{{0, 1389, "dc.example.org."}}, want: "ldap://dc.example.org:1389"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := &names{srv: map[string][]srvRecord{}}
			if test.records != nil {
				n.srv["_ldap._tcp.example.org."] = test.records
			}
			d, _ := domain(t, ldapmgr.DomainConfig{SRV: test.srv, Resolver: n.resolver(), Dial: func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("no network")
			}})
			err := search(t, d)()
			if !errors.Is(err, ldapmgr.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
			if got := urls(d); got != test.want {
				t.Errorf("servers are %q, want %q", got, test.want)
			}
		})
	}
}
