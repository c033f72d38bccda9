// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// blackHoleAt makes connection attempts to a loopback address get no answer: a listener whose queue is full.
func blackHoleAt(t testing.TB, ip string, port int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		t.Cleanup(func() { _ = syscall.Close(fd) })
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: netip.MustParseAddr(ip).As4(), Port: port})
	}
	if err == nil {
		err = syscall.Listen(fd, 0)
	}
	for range 4 { // the first connections fill the queue
		if err != nil {
			t.Fatal(err)
		}
		var conn net.Conn
		if conn, err = net.DialTimeout("tcp", net.JoinHostPort(ip, strconv.Itoa(port)), 100*time.Millisecond); err != nil {
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the queue of the listener never gets full")
}

// deadAddresses proves that dead addresses of one name cost a stagger each.
func deadAddresses(t *testing.T) {
	t.Parallel()
	n := &names{a: map[string][]netip.Addr{"dc.example.org.": {
		netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.1"),
	}}}
	c, server := byName(t, n)
	c.Timeouts.Connect = 10 * time.Second // far from the stagger, whatever the machine has to do
	_, text, _ := net.SplitHostPort(server.Addr())
	port, _ := strconv.Atoi(text)
	blackHoleAt(t, "127.0.0.2", port)
	blackHoleAt(t, "127.0.0.3", port)
	d, _ := domain(t, c)
	if got := took(t, search(t, d)); got < 250*time.Millisecond || got > 500*time.Millisecond+slack { // 6 s and an error without the stagger
		t.Errorf("a name with two dead addresses took %v, want about 500ms", got)
	}
}

// deadServer proves that a dead preferred server costs the first call half a second, and is found to be down.
func deadServer(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, small())
	_, text, _ := net.SplitHostPort(server.Addr())
	port, _ := strconv.Atoi(text)
	blackHoleAt(t, "127.0.0.2", port)
	c := bound("ldap://127.0.0.2:"+text, server.URL())
	c.Timeouts.Connect = 5 * time.Second
	d, _ := domain(t, c)
	if got := took(t, search(t, d)); got > 500*time.Millisecond+slack { // 5 s without the hedge
		t.Errorf("the first call took %v, want at most 500ms", got)
	}
	for deadline := time.Now().Add(30 * time.Second); d.Status().Endpoints[0].State != ldapmgr.EndpointDown; pause(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the dead server is not shown as down")
		}
	}
}
