// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// startCompany runs the in-memory directory that the examples ask, until stop is called.
func startCompany() (url string, stop func()) {
	directory, err := ldaptest.New(ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(10))})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- directory.Serve(ctx, listener) }()
	return "ldap://" + listener.Addr().String(), func() { cancel(); <-served }
}

// ada asks for one person.
var ada = ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(sAMAccountName=ada)", []string{"mail"}, nil)

// show prints what a scope has seen.
func show(scope *instrument.Scope) {
	for _, op := range scope.Recorder().Latest(10).Operations {
		request, _ := scope.Recorder().Summary(op.RequestID)
		switch op.Kind {
		case instrument.KindBind:
			fmt.Println(request.Name, "bind", op.Bind.Name, op.Result.Name)
		case instrument.KindSearch:
			fmt.Println(request.Name, "search", op.Search.Filter, op.Entries, op.Result.Name, "inferred:", op.Inferred)
		}
	}
}

// The first way: a client of our own, whose methods take a context.
func ExampleScope_Dial() {
	url, stop := startCompany()
	defer stop()

	scope := instrument.New()
	ctx, end := scope.Job(context.Background(), "report")
	defer end()
	client, err := scope.Dial(ctx, url, instrument.WithDomain("EXAMPLE"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close(ctx)
	if err := client.Bind(ctx, ldaptest.CompanyService, ldaptest.CompanyServicePassword); err != nil {
		fmt.Println(err)
	}
	result, err := client.Search(ctx, ada)
	fmt.Println(result.Entries[0].GetAttributeValue("mail"), err)
	show(scope)
	// Output:
	// ada@example.org <nil>
	// report bind cn=ldapscope,ou=services,dc=example,dc=org success
	// report search (sAMAccountName=ada) 1 success inferred: false
}

// mailOf is code that takes go-ldap's interface.
func mailOf(client ldap.Client) string {
	result, err := client.Search(ada)
	if err != nil {
		return err.Error()
	}
	return result.Entries[0].GetAttributeValue("mail")
}

// The second way: for code that takes an ldap.Client, under the context of whoever calls it.
func ExampleClient_With() {
	url, stop := startCompany()
	defer stop()

	scope := instrument.New(instrument.WithPolicy(instrument.Policy{Level: instrument.LevelShapes}))
	client, err := scope.Dial(context.Background(), url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close(context.Background())
	ctx, end := scope.Job(context.Background(), "newsletter")
	defer end()
	if err := client.With(ctx).Bind(ldaptest.CompanyService, ldaptest.CompanyServicePassword); err != nil {
		fmt.Println(err)
	}
	fmt.Println(mailOf(client.With(ctx)))
	show(scope)
	// Output:
	// ada@example.org
	// newsletter bind cn=?,ou=?,dc=?,dc=? success
	// newsletter search (sAMAccountName=?) 1 success inferred: false
}

// whoIs is code that takes go-ldap's concrete type.
func whoIs(conn *ldap.Conn) string {
	answer, err := conn.WhoAmI(nil)
	if err != nil {
		return err.Error()
	}
	return answer.AuthzID
}

// The third way: for code that takes an *ldap.Conn. Its operations belong to the only request in flight, which is a guess.
func ExampleClient_Conn() {
	url, stop := startCompany()
	defer stop()

	scope := instrument.New()
	client, err := scope.Dial(context.Background(), url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close(context.Background())
	ctx, end := scope.Job(context.Background(), "old code")
	defer end()
	if err := client.Bind(ctx, ldaptest.CompanyService, ldaptest.CompanyServicePassword); err != nil {
		fmt.Println(err)
	}
	fmt.Println(whoIs(client.Conn()))
	if _, err := client.Conn().Search(ada); err != nil {
		fmt.Println(err)
	}
	show(scope)
	// Output:
	// u:EXAMPLE\ldapscope
	// old code bind cn=ldapscope,ou=services,dc=example,dc=org success
	// old code search (sAMAccountName=ada) 1 success inferred: true
}

// The fourth way: a connection that the application made, as a proxy or a tunnel gives it.
func ExampleScope_Wrap() {
	url, stop := startCompany()
	defer stop()

	scope := instrument.New()
	socket, err := net.Dial("tcp", strings.TrimPrefix(url, "ldap://"))
	if err != nil {
		fmt.Println(err)
		return
	}
	conn := ldap.NewConn(scope.Wrap(socket, instrument.WithDomain("EXAMPLE")), false)
	conn.Start()
	defer conn.Close()
	if err := conn.Bind(ldaptest.CompanyService, ldaptest.CompanyServicePassword); err != nil {
		fmt.Println(err)
	}
	fmt.Println(mailOf(conn))
	fmt.Println(scope.Snapshots()[0].Usage.SearchOperations, "search on", scope.Snapshots()[0].Domain)
	// Output:
	// ada@example.org
	// 1 search on EXAMPLE
}
