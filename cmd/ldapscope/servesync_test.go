// SPDX-License-Identifier: MIT

package main_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// TestServeSyncs: where the configuration of a domain says how often, and only there, serve keeps local accounts, and the panel
// shows the sync as a job with its steps.
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
  QUIET:
    servers: [%[2]q]
    base: dc=example,dc=org
    bind: {name: %[3]q, password: {value: %[4]s}}
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
	var job requestRow
	r.await("the end of the sync", func() bool {
		var list struct {
			Requests []requestRow `json:"requests"`
		}
		r.get("/api/v1/requests", &list)
		jobs := slices.DeleteFunc(list.Requests, func(q requestRow) bool { return q.Kind != "job" })
		if len(jobs) != 1 {
			t.Fatalf("the panel shows the jobs %+v, want one", jobs)
		}
		job = jobs[0]
		return !job.Running
	})
	var steps []string
	for _, step := range job.Steps {
		steps = append(steps, step.Name)
	}
	if want := []string{"sync.groups", "sync.user", "sync.brake", "sync.save"}; job.Name != "sync EXAMPLE" || !slices.Equal(steps, want) {
		t.Errorf("job %q with the steps %q, want %q", job.Name, steps, want)
	}
	if !slices.Equal(job.Domains, []string{"EXAMPLE"}) {
		t.Errorf("the job asks %q", job.Domains)
	}
	for account, err := range store.All(t.Context()) {
		if err != nil || account.Domain != "example" {
			t.Errorf("account %+v, %v", account, err)
		}
	}
}
