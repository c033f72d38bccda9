// SPDX-License-Identifier: MIT

package samba_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/keytab"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/kerberos"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

const aes256 = 18 // aes256-cts-hmac-sha1-96 (RFC 3962)

// byKerberos is the domain over ldaps, bound by GSSAPI.
func byKerberos(s *samba.Server, bind ldapmgr.Bind) ldapmgr.DomainConfig {
	cfg := encrypted(s)
	bind.Method, bind.Krb5Conf = ldapmgr.BindGSSAPI, s.Krb5Conf
	cfg.Bind, cfg.GSSAPI, cfg.TLS.ServerName = bind, kerberos.New, s.Host
	cfg.Timeouts.Bind, cfg.Timeouts.TLS, cfg.Timeouts.Call = 30*time.Second, 30*time.Second, time.Minute // the server may be busy with other tests
	return cfg
}

// keytabOf writes a keytab for an account.
func keytabOf(t *testing.T, s *samba.Server, account, password string) string {
	t.Helper()
	keys := keytab.New()
	if err := keys.AddEntry(account, s.Realm, password, time.Now(), 1, aes256); err != nil {
		t.Fatal(err)
	}
	content, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keytab")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ticketsOf lets the system's own Kerberos log an account in.
func ticketsOf(t *testing.T, s *samba.Server, account, password string) string {
	t.Helper()
	kinit, err := exec.LookPath("kinit")
	if err != nil {
		require.Missing(t, "samba", "kinit is not installed")
	}
	path := filepath.Join(t.TempDir(), "ccache")
	program := exec.CommandContext(t.Context(), kinit, "-c", "FILE:"+path, account+"@"+s.Realm)
	program.Env = append(os.Environ(), "KRB5_CONFIG="+s.Krb5Conf)
	program.Stdin = strings.NewReader(password + "\n")
	if out, err := program.CombinedOutput(); err != nil {
		t.Fatalf("kinit: %v: %s", err, out)
	}
	return path
}

// Every source of tickets binds, and the server knows who it is.
func TestKerberos(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	tests := []struct {
		name string
		bind ldapmgr.Bind
	}{
		{"password", ldapmgr.Bind{Name: samba.Service + "@" + s.Realm, Password: ldapmgr.Secret{Value: samba.ServicePassword}}},
		{"password, default realm", ldapmgr.Bind{Name: samba.Service, Password: ldapmgr.Secret{Value: samba.ServicePassword}}},
		{"password, realm in small letters", ldapmgr.Bind{Name: samba.Service, Realm: strings.ToLower(s.Realm), Password: ldapmgr.Secret{Value: samba.ServicePassword}}},
		{"keytab", ldapmgr.Bind{Name: samba.Service, Keytab: keytabOf(t, s, samba.Service, samba.ServicePassword)}},
		{"ccache", ldapmgr.Bind{CCache: ticketsOf(t, s, samba.Service, samba.ServicePassword)}},
		{"service by name", ldapmgr.Bind{Name: samba.Service, Password: ldapmgr.Secret{Value: samba.ServicePassword}, Service: "ldap/" + s.Host}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, _, scope := manager(t, byKerberos(s, test.bind))
			// Only somebody who is bound sees people; the account may not change anything.
			result, err := d.Search(t.Context(), everybody("(sAMAccountName=ada)", "mail"))
			if err != nil || len(result.Entries) != 1 {
				t.Fatalf("got %v, %v", result, err)
			}
			var binds []instrument.Operation
			for _, op := range scope.Recorder().Since(0, 1000).Operations {
				if op.Kind == instrument.KindBind {
					binds = append(binds, op)
				}
			}
			if len(binds) < 2 || binds[0].Bind.Mechanism != "GSSAPI" || binds[len(binds)-1].Result.Code != 0 {
				t.Errorf("binds %+v", binds)
			}
		})
	}
}

// krb5Conf names another KDC for the domain.
func krb5Conf(t *testing.T, s *samba.Server, kdcs ...net.Addr) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "krb5.conf")
	text := "[libdefaults]\n default_realm = " + s.Realm + "\n udp_preference_limit = 1\n[realms]\n " + s.Realm + " = {\n"
	for _, kdc := range kdcs {
		text += " kdc = " + kdc.String() + "\n"
	}
	text += " }\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// counted stands before the KDC and counts who comes.
func counted(t *testing.T, s *samba.Server) (address net.Addr, count *atomic.Int64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count = new(atomic.Int64)
	var running sync.WaitGroup
	t.Cleanup(func() { listener.Close(); running.Wait() })
	running.Go(func() { // ends with the listener
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			running.Go(func() { // ends with either side, which the library bounds
				defer client.Close()
				var d net.Dialer
				kdc, err := d.DialContext(context.WithoutCancel(t.Context()), "tcp", s.IP+":88")
				if err != nil {
					return
				}
				defer kdc.Close()
				go func() { _, _ = io.Copy(kdc, client); kdc.Close() }() // ends with client
				_, _ = io.Copy(client, kdc)
			})
		}
	})
	return listener.Addr(), count
}

// A password that the KDC refuses is tried once: every attempt counts towards a lock-out.
func TestKerberosRefused(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	kdc, asked := counted(t, s)
	cfg := byKerberos(s, ldapmgr.Bind{Name: "zoe", Password: ldapmgr.Secret{Value: "wrong"}})
	cfg.Bind.Krb5Conf = krb5Conf(t, s, kdc)
	d, _, scope := manager(t, cfg)
	first := int64(0)
	for i := range 3 {
		_, err := d.Search(t.Context(), everybody("(cn=*)", "cn"))
		if !errors.Is(err, ldapmgr.ErrServiceAccount) || !errors.Is(err, ldapmgr.ErrNoTicket) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("got %v, want ErrServiceAccount and ErrNoTicket", err)
		}
		if i == 0 {
			first = asked.Load()
		}
	}
	if n := asked.Load(); first == 0 || n != first {
		t.Errorf("the KDC was asked %d times for the first search, and %d times for all", first, n)
	}
	if n := usage(t, scope).BindOperations; n != 0 {
		t.Errorf("%d binds without a ticket", n)
	}
}

// What is no refusal of the account is not taken for one: an unknown service, a file that is not there, a silent KDC.
func TestKerberosFaults(t *testing.T) {
	t.Parallel()
	s := common.get(t)
	right := ldapmgr.Bind{Name: samba.Service, Password: ldapmgr.Secret{Value: samba.ServicePassword}}
	var silent []net.Addr
	for range 2 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() }) // ends what still waits for an answer
		silent = append(silent, l.Addr())
	}
	nobody := krb5Conf(t, s, silent...)
	folder := t.TempDir()
	missing, empty := filepath.Join(folder, "missing"), filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*ldapmgr.DomainConfig)
		class  ldapmgr.Class
	}{
		{"unknown service", func(c *ldapmgr.DomainConfig) { c.Bind.Service = "ldap/nowhere.example.org" }, ldapmgr.ClassOther},
		{"no krb5.conf", func(c *ldapmgr.DomainConfig) { c.Bind.Krb5Conf = missing }, ldapmgr.ClassConfig},
		{"krb5.conf is a folder", func(c *ldapmgr.DomainConfig) { c.Bind.Krb5Conf = folder }, ldapmgr.ClassConfig},
		{"no realm", func(c *ldapmgr.DomainConfig) { c.Bind.Krb5Conf, c.Bind.Realm = empty, "" }, ldapmgr.ClassConfig},
		{"no keytab", func(c *ldapmgr.DomainConfig) { c.Bind.Password, c.Bind.Keytab = ldapmgr.Secret{}, missing }, ldapmgr.ClassConfig},
		{"silent KDC", func(c *ldapmgr.DomainConfig) { c.Bind.Krb5Conf, c.Timeouts.Bind = nobody, 300*time.Millisecond }, ldapmgr.ClassTimeout},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := byKerberos(s, right)
			test.change(&cfg)
			d, _, _ := manager(t, cfg)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begin := time.Now()
			err := d.Preload(ctx)
			if err == nil || errors.Is(err, ldapmgr.ErrServiceAccount) || ldapmgr.Classify(err) != test.class {
				t.Errorf("class %s, want %s: %v", ldapmgr.Classify(err), test.class, err)
			}
			if took := time.Since(begin); test.name == "silent KDC" && took > 8*time.Second { // the library alone waits for 10 s
				t.Errorf("it took %v", took)
			}
		})
	}
}
