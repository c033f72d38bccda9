// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Stored users whose domain is not in the file any more are told by config check, which only reads their database.
func TestConfigCheckCountsStoredUsers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	users, path := filepath.Join(folder, "users.db"), filepath.Join(folder, "c.yaml")
	check := func(more string) string {
		t.Helper()
		text := "users_database: " + users + "\n" + more + "domains:\n  CORP:\n    servers: ['ldap://127.0.0.1']\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"config", "check", path}, strings.NewReader(""), &stdout, &stderr, nil); code != exitFine {
			t.Fatalf("exit %d: %s", code, &stderr)
		}
		return stdout.String()
	}
	if out := check(""); strings.Contains(out, "unknown_domain") {
		t.Errorf("without a database: %s", out)
	}
	if _, err := os.Stat(users); err == nil {
		t.Error("config check made a database")
	}
	store, err := openAccounts(t.Context(), users, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, domain := range []string{"CORP", "OLD", "OLD", ""} {
		_, err := store.db.ExecContext(t.Context(), "INSERT INTO app_user (id, name, name_fold) VALUES (?, ?, ?)", i, domain+string(rune('a'+i)), domain+string(rune('a'+i)))
		if err == nil && domain != "" {
			_, err = store.db.ExecContext(t.Context(), "INSERT INTO app_ldap_user (user_id, domain, guid, dn) VALUES (?, ?, ?, '')", i, domain, i)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := store.close(); err != nil {
		t.Fatal(err)
	}
	if out := check(""); !strings.Contains(out, "\n  unknown_domain: 2 stored users belong to domain \"OLD\", which is not configured\n") || strings.Count(out, "unknown_domain") != 1 {
		t.Errorf("got %s", out)
	}
	if out := check("silence: [unknown_domain]\n"); strings.Contains(out, "stored users") {
		t.Errorf("silenced: %s", out)
	}
}
