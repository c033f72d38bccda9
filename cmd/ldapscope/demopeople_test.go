// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestDemoPeople: the demo's app keeps fifteen fields and three flags of who logs in, and lets in nobody else.
func TestDemoPeople(t *testing.T) {
	t.Parallel()
	r := startHere(t, nil, nil, "demo", "--quiet", "--listen", "127.0.0.1:0", "--app-listen", "127.0.0.1:0", "--directory-listen", "127.0.0.1:0")
	status, page := r.submit("/login", "username", "ada", "password", "lovelace")
	_, account, found := strings.Cut(page, "<h2>Local account ada</h2>")
	if status != 200 || !found {
		t.Fatalf("login leads to %d %s", status, page)
	}
	fields, rights, _ := strings.Cut(account, "<dt>Flags</dt>")
	if n := strings.Count(fields, "<dt>"); n != 15 {
		t.Errorf("%d fields, want 15:\n%s", n, fields)
	}
	for _, want := range []string{">active<", ">staff<", ">superuser<", ">Engineering<", ">Staff<"} {
		if !strings.Contains(rights, want) {
			t.Errorf("flags and groups lack %s:\n%s", want, rights)
		}
	}
	if status, page := r.submit("/login", "username", "ldapscope", "password", "ldapscope-service"); status != 401 || !strings.Contains(page, "You are not allowed to use this application.") {
		t.Errorf("who is in no group gets %d %s", status, page)
	}
	if q, ops := r.last("/login"); len(ops) != 3 || q.Status != 401 {
		t.Errorf("the refused login takes %d operations and ends with %d", len(ops), q.Status)
	}
}

// TestUsersOfThePanel: the panel shows the local accounts, says what a sync would change, and syncs.
func TestUsersOfThePanel(t *testing.T) {
	t.Parallel()
	r := startHere(t, nil, nil, "demo", "--quiet", "--listen", "127.0.0.1:0", "--app-listen", "127.0.0.1:0", "--directory-listen", "127.0.0.1:0")
	r.submit("/login", "username", "ada", "password", "lovelace")
	var list struct {
		Users []struct {
			ID, Name, Domain string
			LastSync         string `json:"last_sync"`
		}
	}
	r.get("/api/v1/users?q=AD", &list)
	if len(list.Users) != 1 || list.Users[0].Name != "ada" || list.Users[0].Domain != "EXAMPLE" || list.Users[0].LastSync == "" {
		t.Fatalf("the users are %+v", list)
	}
	before := list.Users[0]
	if status, body := r.post("/api/v1/users/"+before.ID+"/sync", `{"apply": false}`); status != 200 || !strings.Contains(body, `"changed":false`) {
		t.Errorf("the plan is %d %s", status, body)
	}
	status, body := r.post("/api/v1/users/"+before.ID+"/sync", `{"apply": true}`)
	var done struct {
		Applied   bool
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(body), &done); err != nil || status != 200 || !done.Applied {
		t.Fatalf("the sync is %d %s, %v", status, body, err)
	}
	if q, ops := r.request(done.RequestID); len(ops) != 2 || ops[0].Step != "sync.user" {
		t.Errorf("the sync is shown as %+v with %+v", q, ops)
	}
	for _, id := range []string{"999", "x"} {
		if status, body := r.post("/api/v1/users/"+id+"/sync", `{}`); status != 404 {
			t.Errorf("user %s is %d %s", id, status, body)
		}
	}
}

// TestReplay: only a program that was started so asks recorded questions again.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		args := append(slices.Clone(anywhere), "--quiet")
		if on {
			args = append(args, "--replay")
		}
		r := startHere(t, nil, nil, args...)
		r.visit("/people")
		_, ops := r.last("/people")
		status, body := r.post("/api/v1/replay", fmt.Sprintf(`{"seq": %d}`, of("search", ops)[0].Seq))
		if on && (status != 200 || !strings.Contains(body, `"added":[]`)) || !on && (status != 403 || !strings.Contains(body, "--replay")) {
			t.Errorf("replay %v: %d %s", on, status, body)
		}
	}
}
