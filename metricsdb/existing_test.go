// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/metricsdb"
)

// everything is what is below a folder, by name.
func everything(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			all[path] = "folder"
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Who only asks creates nothing, and leaves what is no sound database of ours as it is.
func TestExistingTouchesNothing(t *testing.T) {
	t.Parallel()
	sound := func(t *testing.T, path string) {
		db := open(t, metricsdb.Config{Path: path})
		for _, id := range []string{"r1", "r2", "r3"} {
			record(t, db, run(id), snapshot("CORP", 1, 5))
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		want error
		text string
	}{
		{"nothing", func(*testing.T, string) {}, metricsdb.ErrNotFound, "nothing has been saved there yet"},
		{"an empty file", func(t *testing.T, path string) { write(t, path, nil) }, metricsdb.ErrNotFound, "nothing has been saved there yet"},
		{"a few letters", func(t *testing.T, path string) { write(t, path, []byte("a: 1\n")) }, metricsdb.ErrDamaged, "name the file with the usage"},
		{"no database", func(t *testing.T, path string) { write(t, path, garbage) }, metricsdb.ErrDamaged, "name the file with the usage"},
		{"header overwritten", func(t *testing.T, path string) { sound(t, path); patch(t, path, 0, garbage[:100]) }, metricsdb.ErrDamaged, "it is damaged"},
		{"pages overwritten", func(t *testing.T, path string) { sound(t, path); patch(t, path, 8192, garbage[:8192]) }, metricsdb.ErrDamaged, "it is damaged"},
		{"another program's", func(t *testing.T, path string) { execute(t, path, "CREATE TABLE people (name TEXT)") }, metricsdb.ErrDamaged, "it belongs to another program"},
		{"another program's with a version", func(t *testing.T, path string) {
			execute(t, path, "CREATE TABLE people (name TEXT)", "PRAGMA user_version = 7")
		}, metricsdb.ErrDamaged, "it belongs to another program"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "usage.db")
			test.make(t, path)
			before := everything(t, filepath.Dir(path))
			_, err := metricsdb.Open(t.Context(), metricsdb.Config{Path: path, Existing: true})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), path) {
				t.Errorf("error is %v; want %v with %q and the path", err, test.want, test.text)
			}
			if diff := cmp.Diff(before, everything(t, filepath.Dir(path))); diff != "" {
				t.Error(diff)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "nope", "usage.db")
	if _, err := metricsdb.Open(t.Context(), metricsdb.Config{Path: missing, Existing: true}); !errors.Is(err, metricsdb.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
	if _, err := os.Stat(filepath.Dir(missing)); err == nil {
		t.Error("the folder was created")
	}
}

// Spools are merged where the database is sound and where they lie alone; and beside a damaged one they stay.
func TestExistingMergesSpools(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	leave(t, path, spool(t, metricsdb.Config{Path: path}, run("r1")), -1, snapshot("CORP", 1, 7))
	for _, id := range []string{"r1", "r2"} { // r1 lies alone
		if id == "r2" {
			leave(t, path, spool(t, metricsdb.Config{Path: path}, run(id)), -1, snapshot("CORP", 1, 7))
		}
		db := open(t, metricsdb.Config{Path: path, Existing: true})
		if rows := list(t, db, metricsdb.Filter{Run: id}); len(rows) != 1 || rows[0].Operations != 7 {
			t.Errorf("rows: %+v", rows)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if left := spools(t, path); len(left) > 0 {
			t.Errorf("spools are left: %v", left)
		}
	}
	leave(t, path, spool(t, metricsdb.Config{Path: path}, run("r3")), -1, snapshot("CORP", 1, 7))
	write(t, path, garbage)
	if _, err := metricsdb.Open(t.Context(), metricsdb.Config{Path: path, Existing: true}); !errors.Is(err, metricsdb.ErrDamaged) {
		t.Errorf("error is %v", err)
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, garbage) {
		t.Errorf("the file was changed (%v)", err)
	}
	if left := spools(t, path); len(left) == 0 {
		t.Error("the spool is gone")
	}
}
