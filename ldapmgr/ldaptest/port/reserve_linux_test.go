// SPDX-License-Identifier: MIT

package port_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
)

// TestReserve holds a reserved port to be nobody's: no connection reaches it, the system gives it to no other socket, and
// who knows it can listen on it again and again.
func TestReserve(t *testing.T) {
	t.Parallel()
	address := port.Reserve(t)
	for range 3 {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			if err == nil {
				c.Close()
			}
			t.Fatalf("dial a reserved port: %v, want refused", err)
		}
		for _, reuse := range []bool{false, true} {
			if err := taken(t, address, reuse); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("the system gives it to another socket, SO_REUSEADDR %v: %v, want in use", reuse, err)
			}
		}
		talk(t, address)
	}
}

// taken lets the system choose a port where only one may be chosen. Systems before Linux 6.3 cannot be limited like that:
// there the same is asked as a socket that shares no port.
func taken(t *testing.T, address string, reuse bool) error {
	t.Helper()
	const ipLocalPortRange = 51 // of linux/in.h
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	only := int(netip.MustParseAddrPort(address).Port())
	choose := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, ipLocalPortRange, only<<16|only); err != nil {
		choose.Port, reuse = only, false
	}
	if reuse {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
			t.Fatal(err)
		}
	}
	return syscall.Bind(fd, choose)
}

// talk listens, takes one connection and closes both, the listener's side first: that leaves the port in TIME_WAIT.
func talk(t *testing.T, address string) {
	t.Helper()
	on, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := on.Accept()
	if err != nil {
		t.Fatal(err)
	}
	peer.Close()
}
