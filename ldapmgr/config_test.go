// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// checked returns the problems of one domain's configuration, as "key: problem".
func checked(c ldapmgr.Config) (all []string) {
	if c.Scope == nil {
		c.Scope = instrument.New()
	}
	_, err := ldapmgr.New(c)
	for _, p := range ldapmgr.Problems(err) {
		all = append(all, strings.Join(p.Path, ".")+": "+p.Problem)
	}
	return all
}

func TestValidate(t *testing.T) {
	t.Parallel()
	ok := ldapmgr.DomainConfig{Servers: []string{"ldaps://dc1.example.org"}, Bind: ldapmgr.Bind{Name: "cn=x", Password: ldapmgr.Secret{Value: "y"}}}
	with := func(change func(*ldapmgr.DomainConfig)) ldapmgr.Config {
		c := ok
		change(&c)
		return ldapmgr.Config{Domains: map[string]ldapmgr.DomainConfig{"A": c}}
	}
	tests := []struct {
		name   string
		config ldapmgr.Config
		want   []string
	}{
		{name: "fine", config: with(func(*ldapmgr.DomainConfig) {})},
		{name: "no domain", config: ldapmgr.Config{}, want: []string{"domains: is empty"}},
		{name: "everything missing", config: with(func(c *ldapmgr.DomainConfig) { c.Servers, c.Bind = nil, ldapmgr.Bind{Method: "simple"} }),
			want: []string{"domains.A.servers: is missing", "domains.A.bind.name: is missing", "domains.A.bind.password: is missing"}},
		{name: "missing in two domains", config: ldapmgr.Config{Domains: map[string]ldapmgr.DomainConfig{"B": {}, "A": {}}},
			want: []string{"domains.A.servers: is missing", "domains.B.servers: is missing"}},
		{name: "ldaps with starttls", config: with(func(c *ldapmgr.DomainConfig) { c.StartTLS = new(true) }),
			want: []string{"domains.A.servers.0: is ldaps and contradicts starttls"}},
		{name: "socket with starttls", config: with(func(c *ldapmgr.DomainConfig) { c.Servers, c.StartTLS = []string{"ldapi:///x"}, new(true) }),
			want: []string{"domains.A.servers.0: is a local socket and contradicts starttls"}},
		{name: "srv with starttls", config: with(func(c *ldapmgr.DomainConfig) { c.Servers, c.SRV, c.StartTLS = nil, "ldaps://example.org", new(true) }),
			want: []string{"domains.A.starttls: contradicts srv, which already encrypts from the start"}},
		{name: "servers and srv", config: with(func(c *ldapmgr.DomainConfig) { c.SRV = "example.org" }), want: []string{"domains.A.srv: contradicts servers"}},
		{name: "no URL", config: with(func(c *ldapmgr.DomainConfig) { c.Servers = []string{"dc1.example.org"} }),
			want: []string{`domains.A.servers.0: is no LDAP server: server address "dc1.example.org" has no LDAP scheme: write ldap://, ldaps:// or ldapi://`}},
		{name: "server twice", config: with(func(c *ldapmgr.DomainConfig) { c.Servers = append(c.Servers, c.Servers[0]) }), want: []string{"domains.A.servers.1: is there twice"}},
		{name: "base", config: with(func(c *ldapmgr.DomainConfig) { c.Base = "example.org" }), want: []string{"domains.A.base: is no DN"}},
		{name: "preset", config: with(func(c *ldapmgr.DomainConfig) { c.Preset = "activedirectory" }), want: []string{"domains.A.preset: is unknown"}},
		{name: "method", config: with(func(c *ldapmgr.DomainConfig) { c.Bind.Method = "simpel" }), want: []string{`domains.A.bind.method: "simpel" is unknown`}},
		{name: "anonymous with a name", config: with(func(c *ldapmgr.DomainConfig) { c.Bind.Method = "anonymous" }),
			want: []string{"domains.A.bind.method: is anonymous and contradicts name and password"}},
		{name: "external with nothing to show", config: with(func(c *ldapmgr.DomainConfig) { c.Bind = ldapmgr.Bind{Method: "external"} }),
			want: []string{"domains.A.bind.method: is external, which needs a client certificate or an ldapi:// server"}},
		{name: "two sources", config: with(func(c *ldapmgr.DomainConfig) { c.Bind.Password.Env = "X" }),
			want: []string{"domains.A.bind.password: has more than one source: value, env"}},
		{name: "writer of a read-only domain", config: with(func(c *ldapmgr.DomainConfig) { c.Writer = &c.Bind }),
			want: []string{"domains.A.writer: is of no use in a read-only domain"}},
		{name: "TLS", config: with(func(c *ldapmgr.DomainConfig) {
			c.TLS = ldapmgr.TLS{MinVersion: "1.4", ClientKey: "k", Pins: []string{"abc"}, InsecureSkipVerify: new(true)}
		}), want: []string{`domains.A.tls.min_version: "1.4" is unknown`, "domains.A.tls.client_key: has no certificate",
			"domains.A.tls.pins.0: is no SHA-256 fingerprint", "domains.A.tls.insecure_skip_verify: contradicts ca_file and pins"}},
		{name: "negative", config: with(func(c *ldapmgr.DomainConfig) { c.Timeouts.Bind, c.Pool.MaxOpen, c.Pool.WaitTimeout = -1, -1, -1 }),
			want: []string{"domains.A.timeouts.bind: is negative", "domains.A.pool.max_open: is negative", "domains.A.pool.wait_timeout: is negative"}},
		{name: "nothing that follows from a negative number", config: with(func(c *ldapmgr.DomainConfig) { c.Pool.MaxOpen, c.Pool.MaxIdle, c.Pool.MinIdle = -2, -1, 2 }),
			want: []string{"domains.A.pool.max_open: is negative", "domains.A.pool.max_idle: is negative"}},
		{name: "silence", config: with(func(c *ldapmgr.DomainConfig) { c.Silence = []string{"cleartext"} }), want: []string{"domains.A.silence.0: is no code of a warning"}},
		{name: "names that differ in case", config: ldapmgr.Config{Domains: map[string]ldapmgr.DomainConfig{"A": ok, "a": ok}}, want: []string{"domains.A: is there twice"}},
		{name: "alias of another", config: ldapmgr.Config{Domains: map[string]ldapmgr.DomainConfig{"A": ok, "B": func() ldapmgr.DomainConfig { c := ok; c.Aliases = []string{"a"}; return c }()}},
			want: []string{"domains.B.aliases.0: also means domain A"}},
		{name: "default", config: ldapmgr.Config{Default: "C", Domains: map[string]ldapmgr.DomainConfig{"A": ok}}, want: []string{"default: names no configured domain"}},
		{name: "unlisted without default", config: ldapmgr.Config{ServeUnlisted: true, Domains: map[string]ldapmgr.DomainConfig{"A": ok, "B": ok}},
			want: []string{"serve_unlisted: needs to know which domain serves"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, checked(test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInherit(t *testing.T) {
	t.Parallel()
	c := ldapmgr.Config{
		Scope: instrument.New(),
		Defaults: ldapmgr.DomainConfig{
			Bind:     ldapmgr.Bind{Name: "cn=shared", Password: ldapmgr.Secret{Value: "of shared"}},
			Timeouts: ldapmgr.Timeouts{Bind: 7 * time.Second}, Pool: ldapmgr.Pool{MaxOpen: 3},
			Extra:   map[string]any{"color": map[string]any{"page": "red", "text": "black"}, "tier": 1},
			Silence: []string{"clear_text"}, ReadOnly: new(false),
		},
		Domains: map[string]ldapmgr.DomainConfig{
			"PLAIN": {Servers: []string{"ldap://a"}},
			"OWN": {
				Preset: "jumpcloud", Bind: ldapmgr.Bind{Name: "cn=own", Password: ldapmgr.Secret{Env: "OWN"}}, ReadOnly: new(true),
				Timeouts: ldapmgr.Timeouts{Connect: time.Minute}, Silence: []string{}, Extra: map[string]any{"color": map[string]any{"page": "blue"}, "tier": nil},
			},
			"ANON": {Servers: []string{"ldap://a"}, Bind: ldapmgr.Bind{Method: ldapmgr.BindAnonymous}},
		},
	}
	m, err := ldapmgr.New(c)
	if err != nil {
		t.Fatal(err)
	}
	plain, own, anon := config(t, m, "PLAIN"), config(t, m, "OWN"), config(t, m, "ANON")
	if plain.Bind.Name != "cn=shared" || plain.Bind.Password.Value != "of shared" || *plain.ReadOnly || plain.Pool.MaxOpen != 3 || plain.Pool.MaxIdle != 3 {
		t.Errorf("PLAIN: %+v", plain)
	}
	if plain.Timeouts.Bind != 7*time.Second || plain.Timeouts.Connect != time.Second || plain.TLS.MinVersion != "1.2" {
		t.Errorf("PLAIN: %+v", plain)
	}
	if own.Bind.Name != "cn=own" || own.Bind.Password.Value != "" || !*own.ReadOnly || own.Timeouts.Bind != 7*time.Second || own.Timeouts.Connect != time.Minute {
		t.Errorf("OWN: %+v", own)
	}
	if own.Timeouts.Call != 15*time.Second || own.Servers[0] != "ldaps://ldap.jumpcloud.com" || len(own.Silence) != 0 {
		t.Errorf("OWN has not what its preset gives: %+v", own)
	}
	if diff := cmp.Diff(map[string]any{"color": map[string]any{"page": "blue", "text": "black"}, "tier": nil}, own.Extra); diff != "" {
		t.Error(diff)
	}
	if anon.Bind.Name != "" || !anon.Bind.Password.IsZero() {
		t.Errorf("ANON inherits an account: %+v", anon.Bind)
	}
}

func config(t *testing.T, m *ldapmgr.Manager, name string) ldapmgr.DomainConfig {
	t.Helper()
	d, err := m.Domain(name)
	if err != nil {
		t.Fatal(err)
	}
	return d.Config()
}

// The password of one account never goes to another.
func TestInheritKeepsPasswordsApart(t *testing.T) {
	t.Parallel()
	got := checked(ldapmgr.Config{
		Defaults: ldapmgr.DomainConfig{Bind: ldapmgr.Bind{Name: "cn=shared", Password: ldapmgr.Secret{Value: "of shared"}}},
		Domains:  map[string]ldapmgr.DomainConfig{"A": {Servers: []string{"ldap://a"}, Bind: ldapmgr.Bind{Name: "cn=own"}}},
	})
	if diff := cmp.Diff([]string{"domains.A.bind.password: is missing"}, got); diff != "" {
		t.Error(diff)
	}
}

// The same for keys and tickets; the kind of bind and where Kerberos is are shared.
func TestInheritKeepsKeysApart(t *testing.T) {
	t.Parallel()
	shared := ldapmgr.Bind{Method: ldapmgr.BindGSSAPI, Name: "shared", Keytab: "/etc/shared", Realm: "EXAMPLE.ORG", Krb5Conf: "/etc/k"}
	at := func(b ldapmgr.Bind) ldapmgr.DomainConfig {
		return ldapmgr.DomainConfig{Servers: []string{"ldaps://dc1.example.org"}, GSSAPI: noKerberos, Bind: b}
	}
	config := ldapmgr.Config{Scope: instrument.New(), Defaults: ldapmgr.DomainConfig{Bind: shared}, Domains: map[string]ldapmgr.DomainConfig{
		"SAME": at(ldapmgr.Bind{}), "KEY": at(ldapmgr.Bind{Keytab: "/etc/own"}), "OTHER": at(ldapmgr.Bind{Name: "other"}),
		"SIMPLE": at(ldapmgr.Bind{Method: ldapmgr.BindSimple, Name: "cn=a", Password: ldapmgr.Secret{Value: "x"}}),
	}}
	want := map[string]ldapmgr.Bind{
		"SAME":  shared,
		"KEY":   {Method: ldapmgr.BindGSSAPI, Name: "shared", Keytab: "/etc/own", Realm: "EXAMPLE.ORG", Krb5Conf: "/etc/k"},
		"OTHER": {Method: ldapmgr.BindGSSAPI, Name: "other", Realm: "EXAMPLE.ORG", Krb5Conf: "/etc/k"},
	}
	for name, bind := range want {
		got := config.Layers(name).Effective.Bind
		got.Password, bind.Password = ldapmgr.Secret{}, ldapmgr.Secret{}
		if fmt.Sprint(got) != fmt.Sprint(bind) || got.Keytab != bind.Keytab {
			t.Errorf("%s: got %+v, want %+v", name, got, bind)
		}
	}
	if simple := config.Layers("SIMPLE").Effective.Bind; simple.Keytab != "" || simple.Realm != "" {
		t.Errorf("SIMPLE: %+v", simple)
	}
	if diff := cmp.Diff([]string{"domains.OTHER.bind: has no credentials for Kerberos"}, checked(config)); diff != "" {
		t.Error(diff)
	}
}

func TestSecretHides(t *testing.T) {
	t.Parallel()
	const marker = "Tr0ub4dor"
	s := ldapmgr.Secret{Value: marker}
	inside := bound("ldap://a")
	inside.Bind.Password = s
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", slog.Any("secret", s), slog.Any("config", inside.Bind))
	encoded, err := json.Marshal(inside.Bind)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": inside}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Domain("EXAMPLE")
	if err != nil {
		t.Fatal(err)
	}
	used := fmt.Sprintf("%v %+v %#v %s %x | %v %+v %#v", d, d, d, d, d, m, m, m)
	if !strings.HasPrefix(used, "EXAMPLE EXAMPLE EXAMPLE EXAMPLE EXAMPLE | [EXAMPLE] [EXAMPLE] [EXAMPLE]") {
		t.Errorf("a domain and a manager print as %s", used)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q %x %d %v", s, s, s, s, s, s, s, &s) + fmt.Sprintf("%v %+v %#v", inside, inside, inside) + string(encoded) + log.String() + used
	for _, form := range []string{marker, fmt.Sprintf("%x", marker), fmt.Sprintf("%q", marker)} {
		if strings.Contains(shown, form) {
			t.Errorf("the secret shows as %s", form)
		}
	}
}

func TestSecretSources(t *testing.T) {
	t.Setenv("LDAPMGR_TEST_SECRET", "from env")
	t.Setenv("LDAPMGR_TEST_EMPTY", "")
	path := file(t, "secret", []byte("from file \r\n\n"))
	failing := errors.New("vault is sealed")
	tests := []struct {
		name   string
		secret ldapmgr.Secret
		want   string
		err    string // part of the message
	}{
		{name: "none"},
		{name: "value", secret: ldapmgr.Secret{Value: "v"}, want: "v"},
		{name: "env", secret: ldapmgr.Secret{Env: "LDAPMGR_TEST_SECRET"}, want: "from env"},
		{name: "env unset", secret: ldapmgr.Secret{Env: "LDAPMGR_TEST_UNSET"}, err: "environment variable LDAPMGR_TEST_UNSET: it is not set"},
		{name: "env empty", secret: ldapmgr.Secret{Env: "LDAPMGR_TEST_EMPTY"}, err: "it is empty"},
		{name: "file keeps spaces", secret: ldapmgr.Secret{File: path}, want: "from file "},
		{name: "file missing", secret: ldapmgr.Secret{File: path + "x"}, err: "no such file"},
		{name: "file too long", secret: ldapmgr.Secret{File: file(t, "long", make([]byte, 1<<20))}, err: "longer than 65536 bytes"},
		{name: "exec", secret: ldapmgr.Secret{Exec: []string{"/bin/echo", "from exec; no shell"}}, want: "from exec; no shell"},
		{name: "exec fails", secret: ldapmgr.Secret{Exec: []string{"/bin/sh", "-c", "echo hunter2; echo hunter2 >&2; exit 3"}}, err: "program /bin/sh: exit status 3"},
		{name: "func", secret: ldapmgr.Secret{Func: func(_ context.Context, domain string) (string, error) { return "for " + domain, nil }}, want: "for A"},
		{name: "func fails", secret: ldapmgr.Secret{Func: func(context.Context, string) (string, error) { return "", failing }}, err: "vault is sealed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.secret.Read(t.Context(), "A")
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if (err == nil) != (test.err == "") || err != nil && (!strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hunter2")) {
				t.Errorf("got error %v, want one with %q", err, test.err)
			}
		})
	}
	if err := os.WriteFile(path, []byte("rotated"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := (ldapmgr.Secret{File: path}).Read(t.Context(), "A"); got != "rotated" {
		t.Errorf("got %q after the file changed", got)
	}
}

// A name and password in an address would show wherever the address does.
func TestPasswordInAddress(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"ldap://cn=x:s3cret@dc1.example.org", "ldaps://x:s3cret@dc1.example.org:636", "http://x:s3cret@dc1.example.org", "ldap:x:s3cret@dc1.example.org", "x:s3cret@dc1.example.org"} {
		_, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{"A": {Servers: []string{server}, Bind: ldapmgr.Bind{Method: "anonymous"}}}})
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "before the @") {
			t.Errorf("%s: got %v, want a refusal that says why and does not repeat the password", server, err)
		}
	}
}
