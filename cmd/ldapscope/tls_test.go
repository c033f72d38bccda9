// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
)

// tlsServer starts a directory whose certificate, for a name, ends in some days, and returns its address and CA file.
func tlsServer(t *testing.T, name string, days int) (address, ca string) {
	t.Helper()
	a, err := ldaptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	config, err := a.ServerConfig(ldaptest.Leaf{Name: name, NotAfter: time.Now().Add(time.Duration(days)*24*time.Hour + time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(5)), TLS: config})
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, a.CertPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return server.TLSURL(), ca
}

// TestConfigCheckServers: with --connect the certificate of each server is told, a sign in it that would steer the terminal
// aside, and how it was checked; without, nobody is asked.
func TestConfigCheckServers(t *testing.T) {
	t.Parallel()
	address, ca := tlsServer(t, "ldap\x1b[31m.example", 40)
	path := filepath.Join(t.TempDir(), "tls.yaml")
	content := fmt.Sprintf("domains:\n  LAB:\n    servers: [%s]\n    base: %s\n    bind: {method: simple, name: %q, password: {value: %q}}\n    tls: {ca_file: %s}\n",
		address, ldaptest.DefaultSuffix, ldaptest.CompanyService, ldaptest.CompanyServicePassword, ca)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		args = append([]string{"config", "check", path}, args...)
		if code := program.Run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, environment(t.TempDir()), nil); code != 0 {
			t.Fatalf("%q: %d %s", args, code, &stderr)
		}
		return stdout.String()
	}
	if text := check(); strings.Contains(text, "sha256") {
		t.Errorf("a server is told of without --connect:\n%s", text)
	}
	text := check("--connect")
	for _, part := range []string{"\nserver LAB " + address + "\n", "TLS 1.3, TLS_", "CN=ldap?[31m.example, checked against ca_file", "localhost, 127.0.0.1", "CN=ldaptest authority", ", in 40 days\n", "  sha256 "} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Errorf("the certificate steers the terminal: %q", text)
	}
	var document struct {
		Servers []map[string]any `json:"servers"`
	}
	if err := json.Unmarshal([]byte(check("--connect", "--format", "json")), &document); err != nil {
		t.Fatal(err)
	}
	if s := document.Servers; len(s) != 1 || s[0]["verification"] != "ca_file" || s[0]["days_left"] != 40. || s[0]["domain"] != "LAB" {
		t.Errorf("as JSON: %v", s)
	}
}

// siteWithTLS is a panel of two domains: one whose certificate is checked, and one that trusts anybody and whose certificate
// ends soon.
func siteWithTLS(t *testing.T) (address string) {
	t.Helper()
	config := ldapmgr.Config{Scope: instrument.New(), Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{}}
	bind := ldapmgr.Bind{Method: "simple", Name: ldaptest.CompanyService, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}}
	good, ca := tlsServer(t, "ldap.example", 89)
	config.Domains["CHECKED"] = ldapmgr.DomainConfig{Servers: []string{good}, Base: ldaptest.DefaultSuffix, Bind: bind, TLS: ldapmgr.TLS{CAFile: ca}}
	bad, _ := tlsServer(t, "<img src=x onerror=alert(1)>", 5)
	config.Domains["TRUSTING"] = ldapmgr.DomainConfig{Servers: []string{bad}, Base: ldaptest.DefaultSuffix, Bind: bind, TLS: ldapmgr.TLS{InsecureSkipVerify: new(true)}}
	m, err := ldapmgr.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	for _, d := range m.Domains() {
		if err := d.Preload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return serves(t, panel.New(panel.Config{Scope: config.Scope, Domains: m, Token: panelToken})) + "&screen=domains"
}

// TestBrowserTLS shows for each server how it is known, in red where it is not, and writes pictures into .task/shots.
func TestBrowserTLS(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1280, 1000)
	address := siteWithTLS(t)
	t.Cleanup(func() { b.visit("about:blank") }) // before the panel ends, whose page would complain
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		b.visit(address)
		b.await("both handshakes", `document.querySelectorAll("[data-testid=tls]").length === 2`)
		facts := asks[[]string](b, `[...document.querySelectorAll("[data-testid=tls]")].map((e) => e.innerText.replace(/\s+/g, " "))`)
		for i, parts := range [][]string{
			{"Encryption TLS 1.3, TLS_", "CN=ldap.example, checked against the CA file", "Names localhost, 127.0.0.1", "Issuer CN=ldaptest authority", "ends in 89 days on ", "SHA-256 "},
			{"onerror=alert(1)", "not checked: anybody may answer in the server's place", "ends in 5 days on "},
		} {
			for _, part := range parts {
				if !strings.Contains(facts[i], part) {
					t.Errorf("no %q in %s", part, facts[i])
				}
			}
		}
		red := asks[string](b, `getComputedStyle(document.querySelectorAll("[data-testid=tls]")[1].querySelector(".bad")).color`)
		if want := map[string]string{"light": "rgb(179, 32, 42)", "dark": "rgb(255, 133, 133)"}[theme]; red != want {
			t.Errorf("what is not checked is %s in the %s theme, want %s", red, theme, want)
		}
		b.do(clicks(`document.querySelectorAll("[data-testid=tls]")[1].scrollIntoView({ block: "center" })`))
		b.shot(filepath.Join(shotsFolder(t), "tls-"+theme+".png"))
	}
}
