// SPDX-License-Identifier: MIT

//go:build unix

package ldapmgr_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

func onSlapd(s *slapd.Server, urls ...string) ldapmgr.DomainConfig {
	c := bound(urls...)
	c.Bind.Password.Value = s.RootPW
	c.TLS.CAFile = s.CAFile
	return c
}

func many(n int) string {
	var b strings.Builder
	b.WriteString(slapdLDIF)
	for i := range n {
		fmt.Fprintf(&b, "dn: uid=u%d,ou=people,dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: u%d\ncn: User %d\nsn: %d\n\n", i, i, i, i)
	}
	return b.String()
}

// Every way to connect and bind, with what applications do first.
func TestSlapdWays(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Config{LDIF: many(1200)})
	tests := []struct {
		name   string
		config ldapmgr.DomainConfig
		who    string // "" for anonymous
	}{
		{name: "ldap", config: onSlapd(s, s.LDAP), who: "dn:" + admin},
		{name: "ldaps", config: onSlapd(s, s.LDAPS), who: "dn:" + admin},
		{name: "starttls", config: func() ldapmgr.DomainConfig { c := onSlapd(s, s.LDAP); c.StartTLS = new(true); return c }(), who: "dn:" + admin},
		{name: "ldapi", config: onSlapd(s, s.LDAPI), who: "dn:" + admin},
		{name: "ldapi external", config: ldapmgr.DomainConfig{Servers: []string{s.LDAPI}, Bind: ldapmgr.Bind{Method: ldapmgr.BindExternal}},
			who: fmt.Sprintf("dn:gidNumber=%d+uidNumber=%d,cn=peercred,cn=external,cn=auth", syscall.Getgid(), syscall.Getuid())},
		{name: "anonymous", config: ldapmgr.DomainConfig{Servers: []string{s.LDAP}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, _ := domain(t, test.config)
			err := d.Do(t.Context(), func(ctx context.Context, c *instrument.Client) error {
				who, err := c.WhoAmI(ctx)
				if !strings.EqualFold(who, test.who) {
					t.Errorf("bound as %q, want %q", who, test.who)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if s := d.Status(); s.Vendor != "OpenLDAP" || strings.Join(s.NamingContexts, " ") != suffix || d.Base() != suffix {
				t.Errorf("vendor %q, contexts %v, base %q", s.Vendor, s.NamingContexts, d.Base())
			}
			if test.who != "dn:"+admin {
				return
			}
			result, err := d.SearchPaged(t.Context(), people("(uid=*)"), 100)
			if err != nil || len(result.Entries) != 1201 {
				t.Errorf("got %d entries, %v; want 1201", len(result.Entries), err)
			}
			if err := d.BindAs(t.Context(), "uid=ada,ou=people,"+suffix, "lovelace"); err != nil {
				t.Error(err)
			}
			if err := d.BindAs(t.Context(), "uid=ada,ou=people,"+suffix, "wrong"); !errors.Is(err, ldapmgr.ErrInvalidCredentials) {
				t.Errorf("got %v, want ErrInvalidCredentials", err)
			}
			if _, err := d.Read(t.Context(), "uid=nobody,"+suffix); !errors.Is(err, ldapmgr.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
		})
	}
}

// Changes reach the server when they are allowed.
func TestSlapdChanges(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Config{LDIF: slapdLDIF})
	d, _ := domain(t, writable(onSlapd(s, s.LDAP)))
	ctx, dn := t.Context(), "ou=new,"+suffix
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{"organizationalUnit"})
	modify := ldap.NewModifyRequest(dn, nil)
	modify.Replace("description", []string{"changed"})
	if err := d.Add(ctx, add); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Modify(ctx, modify); err != nil {
		t.Error(err)
	}
	if is, err := d.Compare(ctx, dn, "description", "changed"); !is || err != nil {
		t.Errorf("compare gives %v, %v", is, err)
	}
	if err := d.ModifyDN(ctx, ldap.NewModifyDNRequest(dn, "ou=newer", true, "")); err != nil {
		t.Error(err)
	}
	if err := d.Delete(ctx, ldap.NewDelRequest("ou=newer,"+suffix, nil)); err != nil {
		t.Error(err)
	}
	if _, err := d.Read(ctx, "ou=newer,"+suffix); !errors.Is(err, ldapmgr.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	err := d.DoAs(ctx, "uid=ada,ou=people,"+suffix, "lovelace", func(ctx context.Context, c *instrument.Client) error {
		who, err := c.WhoAmI(ctx)
		if who != "dn:uid=ada,ou=people,"+suffix {
			t.Errorf("DoAs is bound as %q", who)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// freeze stops every thread of a process and returns when they stand still.
func freeze(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, path := range threads {
			stat, _ := os.ReadFile(path)
			if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "T") {
				return false
			}
		}
		return true // also where there is no /proc
	}
	for deadline := time.Now().Add(5 * time.Second); !stopped(); pause(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the process does not stop")
		}
	}
}

// A real server that is frozen, stopped and started again.
func slapdOutages(t *testing.T) {
	t.Parallel()
	first, second := slapd.Start(t, slapd.Config{LDIF: slapdLDIF}), slapd.Start(t, slapd.Config{LDIF: slapdLDIF})
	d, _ := domain(t, onSlapd(first, first.LDAP, second.LDAP))
	took(t, search(t, d))
	freeze(t, first.Pid())
	if got := took(t, search(t, d)); got > 2500*time.Millisecond { // 3 s and more without the second look
		t.Errorf("with a frozen server the first call took %v, want about a second", got)
	}
	if got := took(t, search(t, d)); got > 400*time.Millisecond {
		t.Errorf("with a frozen server the next call took %v, want no wait", got)
	}
	if err := syscall.Kill(first.Pid(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	second.Stop()
	if err := search(t, d)(); !errors.Is(err, ldapmgr.ErrUnavailable) && !errors.Is(err, instrument.ErrConnection) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	begin := time.Now()
	if err := search(t, d)(); !errors.Is(err, ldapmgr.ErrUnavailable) || time.Since(begin) > 200*time.Millisecond {
		t.Errorf("got %v after %v, want ErrUnavailable at once", err, time.Since(begin))
	}
	second.Start()
	deadline := time.Now().Add(10 * time.Second)
	for search(t, d)() != nil {
		if time.Now().After(deadline) {
			t.Fatal("the server that is back is not used")
		}
		pause(50 * time.Millisecond)
	}
}

// However far a real server's answer came before the connection broke, a call gives all of it.
func slapdCutAnswers(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Config{LDIF: many(30)})
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(s.LDAP, "ldap://"))
	}
	n := &network{hosts: map[string]*host{"a.test": through(dial), "b.test": through(dial)}}
	c := onSlapd(s, "ldap://a.test", "ldap://b.test")
	c.Dial = n.dial
	for k := int64(1); k <= 31; k += 3 {
		d, _ := domain(t, c)
		took(t, search(t, d))
		var seen atomic.Int64
		n.host(0).judge(func(toClient bool, _ wire.Message) verdict {
			if toClient && seen.Add(1) == k {
				return verdict(2 + k%2) // cut or cutHalf
			}
			return pass
		})
		result, err := d.Search(t.Context(), people("(uid=u*)"))
		if err != nil || len(result.Entries) != 30 {
			t.Errorf("cut at message %d: %d of 30 entries, %v", k, len(result.Entries), err)
		}
	}
}

// Restarts of one of two servers under load are no caller's problem.
func slapdRestarts(t *testing.T) {
	t.Parallel()
	first, second := slapd.Start(t, slapd.Config{LDIF: many(200)}), slapd.Start(t, slapd.Config{LDIF: many(200)})
	d, _ := domain(t, onSlapd(first, first.LDAP, second.LDAP))
	var over atomic.Bool
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			for !over.Load() {
				result, err := d.SearchPaged(t.Context(), people("(uid=u*)"), 50)
				if err == nil && len(result.Entries) != 200 {
					t.Errorf("a search that succeeds gives %d of 200 entries", len(result.Entries))
				}
				if err != nil && !errors.Is(err, instrument.ErrConnection) && !errors.Is(err, ldapmgr.ErrUnavailable) {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		first.Stop()
		first.Start()
	}
	over.Store(true)
	load.Wait()
}

// The password of the service account changes under load, under a policy that locks after three failures.
func slapdRotation(t *testing.T) {
	t.Parallel()
	service := "uid=service,ou=people," + suffix
	s := slapd.Start(t, slapd.Config{Global: []string{"moduleload ppolicy"}, Lines: []string{"overlay ppolicy", "ppolicy_default cn=policy," + suffix}, LDIF: slapdLDIF +
		"dn: cn=policy," + suffix + "\nobjectClass: device\nobjectClass: pwdPolicy\ncn: policy\npwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 3\n\n" +
		"dn: " + service + "\nobjectClass: inetOrgPerson\nuid: service\ncn: s\nsn: s\nuserPassword: old\n\n"})
	root, _ := domain(t, writable(onSlapd(s, s.LDAP)))
	var pw rotating
	pw.set("old")
	c := onSlapd(s, s.LDAP)
	c.Bind = ldapmgr.Bind{Name: service, Password: pw.secret()}
	c.Pool.MaxUses = 5 // so that new connections are always needed
	d, scope := domain(t, c)
	var over atomic.Bool
	var load sync.WaitGroup
	for range 16 {
		load.Go(func() {
			for !over.Load() {
				_ = search(t, d)()
			}
		})
	}
	took(t, search(t, d))
	_, err := root.PasswordModify(t.Context(), ldap.NewPasswordModifyRequest(service, "", "new"))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); failures(scope) == 0; pause(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no bind met the new password")
		}
	}
	pause(300 * time.Millisecond)
	if got := failures(scope); got != 1 {
		t.Errorf("%d binds were refused, want 1", got)
	}
	pw.set("new")
	for deadline := time.Now().Add(10 * time.Second); search(t, d)() != nil; pause(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new password is not used; is the account locked?")
		}
	}
	over.Store(true)
	load.Wait()
	if got := failures(scope); got != 1 {
		t.Errorf("%d binds were refused in the end, want 1", got)
	}
}

func TestSchemaOfSlapd(t *testing.T) {
	t.Parallel()
	s := slapd.Start(t, slapd.Config{LDIF: slapdLDIF})
	d, _ := domain(t, onSlapd(s, s.LDAP))
	checkSchema(t, d)
}
