// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// This file meets the faults of the list that are none of a server of a network, to see how they are told.

// meetsBlockedWrite sends more than a server takes that has stopped reading.
func meetsBlockedWrite(t *testing.T, told ldapmgr.Class) {
	t.Helper()
	c := bound(deafServer(t))
	c.Pool.MaxOpen = 1
	c.Timeouts = ldapmgr.Timeouts{Write: 100 * time.Millisecond}
	w := toldDomain(t, c)
	for _, filter := range []string{"(a=1)", "(cn=" + strings.Repeat("x", 8<<20) + ")"} {
		_ = w.within(t, func(ctx context.Context) error { _, err := w.domain.Search(ctx, people(filter)); return err })
	}
	w.want(t, told)
}

// expired is a domain whose server has an old certificate.
func expired(t *testing.T) ldapmgr.DomainConfig {
	t.Helper()
	for _, b := range badCertificateList(t, issue(t, nil, rsaKey(t, 2048), named("root"))) {
		if b.class == ldapmgr.ClassTLSExpired {
			cfg := small()
			cfg.TLS = b.server
			return bound(ldaptest.Start(t, cfg).TLSURL())
		}
	}
	t.Fatal("the list has no such certificate")
	return ldapmgr.DomainConfig{}
}

// silentTLS is a domain whose server takes the beginning of a handshake and says nothing.
func silentTLS(n *network) ldapmgr.DomainConfig {
	c := n.config(0)
	c.Servers = []string{"ldaps://a.test"}
	c.Dial = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, far); _ = far.Close() }() // ends with the connection
		return near, nil
	}
	return c
}

// startsTLS is a domain whose server knows no StartTLS.
func startsTLS(n *network) ldapmgr.DomainConfig {
	c := n.config(1)
	c.StartTLS = new(true)
	return c
}

func wrongPassword(n *network) ldapmgr.DomainConfig {
	c := n.config(3)
	c.Bind.Password.Value = "another"
	return c
}

// hoarded holds every connection, and asks for more.
func hoarded(_ *network, w *witness) {
	release := make(chan struct{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_ = w.domain.Do(context.Background(), func(context.Context, *instrument.Client) error { <-release; return nil })
		})
	}
	pause(10 * time.Millisecond)
	for range 3 {
		_, _ = w.domain.Search(context.Background(), people("(ou=people)"))
	}
	close(release)
	all.Wait()
}

// withoutDescriptors is a domain of three servers in a process that can open nothing.
func withoutDescriptors(n *network) ldapmgr.DomainConfig {
	c := n.config(3)
	c.Dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	}
	return c
}

// meetsCircle asks a server whose pages never end.
func meetsCircle(t *testing.T, told ldapmgr.Class) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pages := 0
		n := &network{hosts: map[string]*host{"a.test": circle(&pages)}}
		w := toldDomain(t, n.config(1))
		for range 3 {
			_ = w.within(t, func(ctx context.Context) error {
				_, err := w.domain.SearchPaged(ctx, people("(ou=people)"), 10)
				return err
			})
		}
		w.want(t, told)
	})
}
