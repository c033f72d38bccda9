// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

func dialTo(s *slapd.Server) func(ctx context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.LDAP, "ldap://"))
	}
}

// wreck runs the schedule until end, then mends everything. It returns how often the password changed.
func (s *soak) wreck(random *rand.Rand, end time.Time) (rotations int) {
	list := strikes()
	s.rotate()
	rotations++
	for time.Now().Before(end) {
		i := random.IntN(3)
		server, host := s.servers[i], s.net.host(i)
		away := time.Duration(random.IntN(1500)) * time.Millisecond
		switch random.IntN(10) {
		case 0:
			_ = syscall.Kill(server.Pid(), syscall.SIGKILL)
			pause(away)
			server.Stop() // takes leave of what was killed
			server.Start()
		case 1:
			server.Stop()
			pause(away)
			server.Start()
		case 2:
			freeze(s.t, server.Pid())
			pause(2 * away)
			_ = syscall.Kill(server.Pid(), syscall.SIGCONT)
		case 3:
			s.rotate()
			rotations++
		default:
			list[random.IntN(len(list))].hit(host, sometimes(1+random.Int64N(30)))
			pause(away)
			if random.IntN(3) > 0 { // else they add up
				host.mend()
			}
		}
	}
	for i := range s.servers {
		s.net.host(i).mend()
	}
	return rotations
}

// rotate changes the password on every server, past the proxies, and then the secret.
func (s *soak) rotate() {
	s.version++
	for _, server := range s.servers {
		conn, err := ldap.DialURL(server.LDAP)
		if err == nil {
			err = conn.Bind(server.RootDN, server.RootPW)
		}
		if err == nil {
			change := ldap.NewModifyRequest(soakService, nil)
			change.Replace("userPassword", []string{soakPassword(s.version)})
			err = conn.Modify(change)
			_ = conn.Close()
		}
		if err != nil {
			s.t.Fatalf("change the password: %v", err)
		}
	}
	pause(400 * time.Millisecond) // the old one is still what the manager knows
	s.pw.set(soakPassword(s.version))
}

// settle proves that nothing is left of it: calls succeed, nothing is lent, no account is locked.
func (s *soak) settle(rotations int) {
	t := s.t
	for deadline := time.Now().Add(30 * time.Second); search(t, s.domain)() != nil; pause(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the domain does not recover: %v", search(t, s.domain)())
		}
	}
	if pool := s.domain.Status().Pool; pool.InUse != 0 || pool.Waiting != 0 || int(pool.Opened-pool.Closed) != pool.Idle {
		t.Errorf("something is still lent: %+v", pool)
	}
	refused := s.scope.Snapshots()[0].Codes[ldap.LDAPResultInvalidCredentials] // others were never answered
	if refused > uint64(rotations) {
		t.Errorf("%d binds were refused after %d changes of the password, want at most one each", refused, rotations)
	}
	for i, server := range s.servers {
		d, _ := domain(t, onSlapd(server, server.LDAP))
		e, err := d.Read(t.Context(), soakService, "pwdAccountLockedTime")
		if err != nil || e.GetAttributeValue("pwdAccountLockedTime") != "" {
			t.Errorf("the account on server %d is locked: %v, %v", i, e, err)
		}
	}
	var told []string
	s.failed.Range(func(class, count any) bool {
		told = append(told, fmt.Sprint(class.(ldapmgr.Class), " ", count.(*atomic.Int64).Load()))
		return true
	})
	t.Logf("%d calls, %d changes of the password, %d binds refused; errors: %s", s.calls.Load(), rotations, refused, strings.Join(told, ", "))
}
