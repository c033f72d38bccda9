// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ldapscope/ldapscope/metricsdb"
)

func TestFilesAreForTheirOwner(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(t *testing.T, path string)
	}{
		{name: "opened", make: func(t *testing.T, path string) { open(t, metricsdb.Config{Path: path}) }},
		{name: "spooled", make: func(t *testing.T, path string) {
			finish(t, spool(t, metricsdb.Config{Path: path}, run("r1")), snapshot("CORP", 1, 1))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			test.make(t, path)
			for name, want := range map[string]fs.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + ".spool": 0o700} {
				info, err := os.Stat(name)
				if err != nil {
					t.Fatal(err)
				}
				if got := info.Mode().Perm(); got != want {
					t.Errorf("%s has mode %o, want %o", name, got, want)
				}
			}
		})
	}
}

// A database removed or replaced under an open one is taken up again.
func TestReplacedWhileOpen(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, path+suffix+".away"); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, spool(t, metricsdb.Config{Path: path}, run("r1")), snapshot("CORP", 1, 7))
	if rows := list(t, db, metricsdb.Filter{}); len(rows) != 1 {
		t.Errorf("%d rows, want 1", len(rows))
	}
}

// A path is a path, whatever characters it has.
func TestOddPath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?mode=memory&_pragma=x#%41;'ü", "usage.db")
	finish(t, spool(t, metricsdb.Config{Path: path}, run("r1")), snapshot("CORP", 1, 7))
	if rows := list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{}); len(rows) != 1 {
		t.Errorf("%d rows", len(rows))
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("the file is elsewhere: %v", err)
	}
}

// A pipe would keep whoever opens it waiting.
func TestPipeIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "usage.db")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		if _, err := metricsdb.Open(t.Context(), metricsdb.Config{Path: path, ReadOnly: readOnly}); !errors.Is(err, metricsdb.ErrNotFile) {
			t.Errorf("read only %v: %v", readOnly, err)
		}
	}
}
