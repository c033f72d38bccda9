// SPDX-License-Identifier: MIT

package main_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// TestServeSyncs: where the configuration says how often, serve keeps local accounts, and the panel shows the sync as a job.
func TestServeSyncs(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(20))})
	path := filepath.Join(t.TempDir(), "people ?.db")
	config := write(t, "config.yaml", fmt.Sprintf(`
users_database: %q
domains:
  EXAMPLE:
    servers: [%q]
    base: dc=example,dc=org
    bind: {name: %q, password: {value: %s}}
    users: {fields: {email: mail}}
    sync: {every: 1m}
`, path, server.URL(), ldaptest.CompanyService, ldaptest.CompanyServicePassword))
	r := startHere(t, nil, nil, "serve", "--config", config, "--listen", "127.0.0.1:0")
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store, err := usersql.New(usersql.Config{DB: db, Fields: []string{"email"}})
	if err != nil {
		t.Fatal(err)
	}
	r.await("ada's local account", func() bool {
		account, found, err := store.Named(t.Context(), "", "ada")
		return err == nil && found && account.Domain == "example" && account.Fields["email"] == "ada@example.org"
	})
}
