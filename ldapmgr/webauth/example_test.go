// SPDX-License-Identifier: MIT

package webauth_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
	"github.com/ldapscope/ldapscope/ldapmgr/webauth"
)

// An application behind a proxy that logs people in and passes their names on: who is an administrator in the directory may
// see the page. Local accounts are made when somebody comes for the first time.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	url, err := serveCompany(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	manager, err := ldapmgr.New(ldapmgr.Config{
		Scope: instrument.New(), Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": {
			Servers: []string{url}, Aliases: []string{"example.org"},
			Bind: ldapmgr.Bind{Name: ldaptest.CompanyService, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}},
		}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer manager.Close(ctx)
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	guard, err := guardOf(ctx, manager, db)
	if err != nil {
		fmt.Println(err)
		return
	}

	administrators, err := guard.RequireGroup(webauth.Rule{}, "Administrators")
	if err != nil {
		fmt.Println(err)
		return
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := webauth.UserFrom(r.Context())
		fmt.Fprintf(w, "hello %s\n", user.Account.Name)
	})
	application := guard.RemoteUser(webauth.Remote{})(administrators(page))

	for _, name := range []string{`EXAMPLE\ada`, "user00005@example.org", ""} {
		request := httptest.NewRequest(http.MethodGet, "/admin/", nil)
		request.RemoteAddr = "127.0.0.1:1234" // the proxy
		if name != "" {
			request.Header.Set("X-Remote-User", name)
		}
		answer := httptest.NewRecorder()
		application.ServeHTTP(answer, request)
		fmt.Println(answer.Code, strings.TrimSpace(answer.Body.String()))
	}
	// Output:
	// 200 hello ada
	// 403 You are not allowed to do this.
	// 401 Please log in.
}

// guardOf keeps the accounts in db.
func guardOf(ctx context.Context, manager *ldapmgr.Manager, db *sql.DB) (*webauth.Guard, error) {
	db.SetMaxOpenConns(1) // each has a memory of its own
	accounts, err := usersql.New(usersql.Config{DB: db})
	if err != nil {
		return nil, err
	}
	if err := accounts.CreateTables(ctx); err != nil {
		return nil, err
	}
	return webauth.New(webauth.Config{Syncer: ldapmgr.NewSyncer(manager, accounts, ldapmgr.Hooks{}), Logger: slog.New(slog.DiscardHandler)})
}

// serveCompany runs the in-memory directory until ctx ends.
func serveCompany(ctx context.Context) (url string, err error) {
	directory, err := ldaptest.New(ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(10))})
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = directory.Serve(ctx, listener) }()
	return "ldap://" + listener.Addr().String(), nil
}
