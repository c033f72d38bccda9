// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// slapdKilled kills a server at a random time during a search: the search gives all of it or an error.
func slapdKilled(t *testing.T) {
	t.Parallel()
	const entries = 2000
	unlimited := []string{"sizelimit unlimited"}
	one, other := slapd.Start(t, slapd.Config{LDIF: many(entries), Lines: unlimited}), slapd.Start(t, slapd.Config{LDIF: many(entries), Lines: unlimited})
	d, _ := domain(t, onSlapd(one, one.LDAP, other.LDAP))
	begin := time.Now()
	if _, err := d.Search(t.Context(), people("(uid=u*)")); err != nil {
		t.Fatal(err)
	}
	usual := time.Since(begin)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 4))
	for round := range 8 {
		killed := make(chan struct{})
		after := time.Duration(random.Int64N(int64(usual)))
		go func() {
			defer close(killed)
			pause(after)
			_ = syscall.Kill(one.Pid(), []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM}[round%2])
		}()
		result, err := d.Search(t.Context(), people("(uid=u*)"))
		if err == nil && len(result.Entries) != entries {
			t.Errorf("%d of %d entries without an error", len(result.Entries), entries)
		}
		if err != nil && !errors.Is(err, instrument.ErrConnection) && !errors.Is(err, instrument.ErrIncomplete) && !errors.Is(err, ldapmgr.ErrUnavailable) {
			t.Errorf("an error of no known kind: %v", err)
		}
		<-killed
		one.Stop()
		one.Start()
		for deadline := time.Now().Add(20 * time.Second); d.Status().Endpoints[0].State != ldapmgr.EndpointUp && round%4 == 0; pause(20 * time.Millisecond) {
			if _ = search(t, d)(); time.Now().After(deadline) {
				t.Fatal("the server that was started again is not used")
			}
		}
	}
}

// slapdRetcode lets the answers of a real server be what an overlay says.
func slapdRetcode(t *testing.T) {
	t.Parallel()
	codes := []string{
		`overlay retcode`, `retcode-parent "ou=codes,` + "dc=example,dc=org" + `"`,
		`retcode-item "cn=busy" 0x33`, `retcode-item "cn=unavailable" 0x34`, `retcode-item "cn=admin limit" 0x0b`,
		`retcode-item "cn=goodbye" 0x34 unsolicited="1.3.6.1.4.1.1466.20036"`,
	}
	one := slapd.Start(t, slapd.Config{LDIF: slapdLDIF, Global: []string{"moduleload retcode"}, Lines: codes})
	plain := slapd.Start(t, slapd.Config{LDIF: slapdLDIF + "dn: ou=codes,dc=example,dc=org\nobjectClass: organizationalUnit\nou: codes\n\n"})
	for _, test := range []struct {
		name string
		code int64 // of a call that has no other server
		next int64 // of a call that has one
	}{{"busy", 51, 32}, {"unavailable", 52, 32}, {"admin limit", 11, 11}, {"goodbye", 0, 32}} {
		for _, urls := range [][]string{{one.LDAP}, {one.LDAP, plain.LDAP}} {
			d, _ := domain(t, onSlapd(one, urls...))
			took(t, search(t, d))
			request := people("(objectClass=*)")
			request.BaseDN, request.Scope = "cn="+test.name+",ou=codes,"+suffix, 0
			_, err := d.Search(t.Context(), request)
			want := test.code
			if len(urls) > 1 {
				want = test.next
			}
			if code, answered := instrument.ResultCode(err); code != want || answered != (want != 0) {
				t.Errorf("%s, %d servers: got %v, want code %d", test.name, len(urls), err, want)
			}
		}
	}
}

// slapdIdle lets a real server close connections that rest.
func slapdIdle(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Config{LDIF: slapdLDIF, Global: []string{"idletimeout 1"}})
	d, scope := domain(t, onSlapd(s, s.LDAP))
	for range 3 {
		took(t, search(t, d))
		for deadline := time.Now().Add(20 * time.Second); scope.Snapshots()[0].Usage.OpenSockets > scope.Snapshots()[0].Usage.ClosedSockets; pause(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the connection that the server closed is kept")
			}
		}
	}
	if s := d.Status().Endpoints[0]; s.State != ldapmgr.EndpointUp {
		t.Errorf("the server is %s: %s", s.State, s.Reason)
	}
}
