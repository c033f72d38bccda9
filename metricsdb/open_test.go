// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		readOnly bool
		make     func(t *testing.T, path string) string
		want     error
		text     string
	}{
		{name: "no path", make: func(*testing.T, string) string { return "" }, want: metricsdb.ErrNoPath, text: "no path given"},
		{name: "a folder", make: makeFolder, want: metricsdb.ErrNotFile, text: "not a regular file; name a file"},
		{name: "below a file", make: func(t *testing.T, path string) string {
			write(t, path, []byte("x"))
			return filepath.Join(path, "usage.db")
		}, want: metricsdb.ErrNoFolder, text: "a part of the path is a file"},
		{name: "nothing there, reading only", readOnly: true, make: func(_ *testing.T, path string) string { return path },
			want: metricsdb.ErrNotFound, text: "nothing has been saved there yet"},
		{name: "not a database, reading only", readOnly: true, make: func(t *testing.T, path string) string {
			write(t, path, garbage)
			return path
		}, want: metricsdb.ErrDamaged, text: "not a readable database"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := test.make(t, filepath.Join(t.TempDir(), "usage.db"))
			_, err := metricsdb.Open(t.Context(), metricsdb.Config{Path: path, ReadOnly: test.readOnly})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("error is %v; want %v with %q", err, test.want, test.text)
			}
			if known, ok := errors.AsType[*metricsdb.Error](err); !ok || known.Path != path {
				t.Errorf("error is %#v; want an *Error that names %s", err, path)
			}
		})
	}
}

// What the system says in codes is said in words, with what to try.
func TestErrorsOfTheSystem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		cause error
		want  error
		text  string
	}{
		{cause: syscall.ENOLCK, want: metricsdb.ErrDisk, text: "has no locks"},
		{cause: syscall.EOPNOTSUPP, want: metricsdb.ErrDisk, text: "has no locks"},
		{cause: syscall.ENOSPC, want: metricsdb.ErrFull, text: "free some space"},
		{cause: syscall.EROFS, want: metricsdb.ErrReadOnly, text: "mounted read-only"},
		{cause: syscall.EIO, want: metricsdb.ErrDisk, text: "system's log"},
		{cause: syscall.EACCES, want: metricsdb.ErrPermission, text: "must be able to write in /folder"},
		{cause: syscall.ENOENT, want: metricsdb.ErrNoFolder, text: "create it"},
	}
	for _, test := range tests {
		t.Run(test.cause.Error(), func(t *testing.T) {
			t.Parallel()
			err := metricsdb.Classify(&os.PathError{Op: "lock", Path: "/folder/usage.db.spool/r1.lock", Err: test.cause})
			if !errors.Is(err, test.want) || !errors.Is(err, test.cause) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %v; want %v with %q", err, test.want, test.text)
			}
		})
	}
}

func makeFolder(t *testing.T, path string) string {
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

var garbage = bytes.Repeat([]byte("this is no database "), 1000)

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The columns of the file and the list of counters are the same.
func TestSchemaHasEveryCounter(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	open(t, metricsdb.Config{Path: path})
	columns := columnsOf(t, rawDB(t, path), "snapshots")
	for _, field := range instrument.CounterFields {
		if !slices.Contains(columns, field.Name) {
			t.Errorf("no column for %s: write a migration", field.Name)
		}
	}
}

func columnsOf(t testing.TB, raw *sql.DB, table string) []string {
	t.Helper()
	rows, err := raw.QueryContext(t.Context(), "SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

func rawDB(t *testing.T, path string) *sql.DB {
	t.Helper()
	raw, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return raw
}

func execute(t *testing.T, path string, statements ...string) {
	t.Helper()
	raw := rawDB(t, path)
	for _, statement := range statements {
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// oldDatabase makes a file as the first version did, with one run in it.
func oldDatabase(t *testing.T, path string) []metricsdb.Row {
	t.Helper()
	db := open(t, metricsdb.Config{Path: path})
	if err := db.Record(t.Context(), run("old"), []instrument.Snapshot{snapshot("CORP", 1, 5)}); err != nil {
		t.Fatal(err)
	}
	rows := list(t, db, metricsdb.Filter{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, path, "DROP TABLE operations", "PRAGMA user_version = 1")
	return rows
}

// An older file is brought up to date by many at once, and loses nothing.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	want := oldDatabase(t, path)
	reader := open(t, metricsdb.Config{Path: path, ReadOnly: true})
	if got := reader.Version(); got != 1 {
		t.Errorf("version %d, want 1", got)
	}
	if diff := cmp.Diff(want, list(t, reader, metricsdb.Filter{})); diff != "" {
		t.Errorf("read by a newer program: %s", diff)
	}
	if saved, err := reader.Operations(t.Context(), metricsdb.OperationQuery{}); err != nil || saved != nil {
		t.Errorf("operations of an older file: %v, %v", saved, err)
	}
	for range 20 { // whether two meet is chance: one round alone would often miss it
		upgradeByMany(t, path)
		execute(t, path, "DROP TABLE operations", "PRAGMA user_version = 1")
	}
	upgradeByMany(t, path)
	db := open(t, metricsdb.Config{Path: path})
	if diff := cmp.Diff(want, list(t, db, metricsdb.Filter{})); diff != "" {
		t.Error(diff)
	}
	if _, err := db.Operations(t.Context(), metricsdb.OperationQuery{}); err != nil {
		t.Error(err)
	}
}

// A file of a newer version is read and says so; spools are shown and left for a newer program.
func TestNewerFile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	db := open(t, metricsdb.Config{Path: path})
	if err := db.Record(t.Context(), run("old"), []instrument.Snapshot{snapshot("CORP", 1, 5)}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, path, "ALTER TABLE snapshots ADD COLUMN dreams INTEGER NOT NULL DEFAULT 0", "PRAGMA user_version = 99")
	s := spool(t, metricsdb.Config{Path: path}, run("new"))
	leave(t, path, s, 0, snapshot("CORP", 1, 7))
	log := &journal{}
	newer := open(t, metricsdb.Config{Path: path, Logger: log.logger()})
	if got := newer.Version(); got != 99 {
		t.Errorf("version %d", got)
	}
	if lines := log.warnings(); len(lines) != 1 || !strings.Contains(lines[0], "newer version") {
		t.Errorf("warnings: %v", lines)
	}
	if rows := list(t, newer, metricsdb.Filter{}); len(rows) != 2 {
		t.Errorf("rows: %+v", rows)
	}
	if err := newer.Record(t.Context(), run("x"), nil); !errors.Is(err, metricsdb.ErrNewer) {
		t.Errorf("writing: %v", err)
	}
}

func upgradeByMany(t *testing.T, path string) {
	t.Helper()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			db, err := metricsdb.Open(context.WithoutCancel(t.Context()), metricsdb.Config{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			if got := db.Version(); got != metricsdb.SchemaVersion {
				t.Errorf("version %d, want %d", got, metricsdb.SchemaVersion)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
