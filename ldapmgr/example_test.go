// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// serve runs an in-memory directory for an example and returns its URL.
func serve() (url string, stop func()) {
	dir, err := ldaptest.New(ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(10))})
	if err != nil {
		panic(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = dir.Serve(ctx, ln) }()
	return "ldap://" + ln.Addr().String(), func() { cancel(); <-done }
}

func Example() {
	url, stop := serve()
	defer stop()
	ctx := context.Background()
	m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{
		"EXAMPLE": {
			Aliases: []string{"example.org"}, Servers: []string{url}, Base: ldaptest.DefaultSuffix,
			Bind: ldapmgr.Bind{Name: ldaptest.CompanyService, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}},
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = m.Close(ctx) }()
	d, err := m.Domain("Example.org")
	if err != nil {
		fmt.Println(err)
		return
	}
	request := ldap.NewSearchRequest("", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(sAMAccountName=ada)", []string{"cn"}, nil)
	for e, err := range d.Entries(ctx, request, 0) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.String("cn"))
	}
	fmt.Println(d.BindAs(ctx, "ada@example.org", "lovelace"))
	fmt.Println(errors.Is(d.BindAs(ctx, "ada@example.org", "wrong"), ldapmgr.ErrInvalidCredentials))
	// Output:
	// Ada Lovelace
	// <nil>
	// true
}

// Everything that is wrong with a configuration is told at once, with the key and what to do.
func ExampleProblems() {
	_, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{
		"EXAMPLE": {Servers: []string{"ldaps://dc1.example.org"}, StartTLS: new(true), Bind: ldapmgr.Bind{Name: "reader@example.org"}},
	}})
	for _, p := range ldapmgr.Problems(err) {
		fmt.Println(p)
	}
	// Output:
	// domains.EXAMPLE.servers.0 is ldaps and contradicts starttls: write ldap:// to encrypt with StartTLS, or turn starttls off
	// domains.EXAMPLE.bind.password is missing: give value, env, file or exec
}
