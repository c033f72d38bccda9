// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// lockedBuffer takes log lines from many goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// FuzzMessages sends bytes to a directory of each profile behind a bind: whatever they are, no operation panics and the
// connection comes to its end.
func FuzzMessages(f *testing.F) {
	t := &testing.T{}
	for _, command := range []string{
		searchAll, `search "" base "(objectClass=*)" * +`, `search @ sub "(&(cn:dn:=one)(!(|(cn=*o*e)(cn>=a)(cn~=x))))" cn;range=0-*`,
		"compare cn=one, cn ONE", "add cn=new, objectClass=device cn=new", "modify cn=one, add:description=x delete:description replace:cn=one increment:uidNumber=1",
		"rename cn=one, cn=uno drop @", "delete cn=two,", "whoami", "passwd user=cn=one, old=a new=b", `extended 1.3.6.1.1.8 "0\x03\x02\x01\x01"`, "bind ada",
	} {
		words := splitWords(t, command)
		for _, controls := range [][]wire.Control{nil, {
			{OID: wire.OIDPaging, Critical: true, Value: wire.Paging(1, nil)}, {OID: wire.OIDSortRequest, Value: encodeSort("-cn/2.5.13.3")},
			{OID: "1.3.6.1.1.12", Value: wire.AppendFilter(nil, wire.Filter{Op: wire.Present, Attr: []byte("cn")})},
		}} {
			var e wire.Encoder
			e.Message(2, func(e *wire.Encoder) { requests[words[0]](t, e, words[1:]) }, controls)
			f.Add(e.Bytes)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for profile, text := range map[ldaptest.Profile]string{ldaptest.OpenLDAP: smallLDIF, ldaptest.ActiveDirectory: ldaptest.Company(5)} {
			var log lockedBuffer
			dir, err := ldaptest.New(ldaptest.Config{
				Profile: profile, LDIF: strings.NewReader(text), RootPassword: rootPassword, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			feed(t, dir, data)
			if strings.Contains(log.String(), "panic") {
				t.Errorf("profile %v: %s", profile, log.String())
			}
		}
	})
}

func feed(t *testing.T, dir *ldaptest.Directory, data []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ln := newPipes()
	var wait sync.WaitGroup
	wait.Go(func() { _ = dir.Serve(ctx, ln) }) // ends with ctx
	client, server := net.Pipe()
	ln.accepted <- server
	wait.Go(func() { _, _ = io.Copy(io.Discard, client) }) // ends with the connection
	var e wire.Encoder
	e.Message(1, func(e *wire.Encoder) { encodeBind(t, e, []string{"root"}) }, nil)
	e.Bytes = append(e.Bytes, data...)
	e.Message(3, func(e *wire.Encoder) { encodeBind(t, e, []string{"anonymous"}) }, nil) // waits for what is before it
	e.Message(4, func(e *wire.Encoder) { e.String(byte(wire.UnbindRequest), nil) }, nil)
	_, _ = client.Write(e.Bytes) // fails where the server closes early, as it may
	cancel()
	wait.Wait()
	_ = client.Close()
}
