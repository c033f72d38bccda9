// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// refusals are constructs that SQLite takes and PostgreSQL does not, or takes for something else.
var refusals = []struct {
	name    string
	pattern *regexp.Regexp
}{
	{"a statement about the file", regexp.MustCompile(`(?i)\b(pragma|vacuum|attach|detach|reindex)\b`)},
	{"INSERT OR, REPLACE INTO", regexp.MustCompile(`(?i)\b(insert|update) or\b|\breplace into\b`)},
	{"the row id", regexp.MustCompile(`(?i)\b(rowid|oid|_rowid_|last_insert_rowid)\b`)},
	{"GLOB, MATCH, REGEXP", regexp.MustCompile(`(?i)\b(glob|match|regexp)\b`)},
	{"LIKE, which ignores case in SQLite alone", regexp.MustCompile(`(?i)\blike\b`)},
	{"a collation", regexp.MustCompile(`(?i)\bcollate\b`)},
	{"an index hint", regexp.MustCompile(`(?i)\bindexed by\b|\bnot indexed\b`)},
	{"LIMIT with a comma", regexp.MustCompile(`(?i)\blimit\s+[^\s,]+\s*,`)},
	{"two equals signs", regexp.MustCompile(`==`)},
	{"IS between values", regexp.MustCompile(`(?i)\bis\s+(not\s+)?(\?|'|\d|[a-z_]+\.)`)},
	{"a name in brackets or grave accents", regexp.MustCompile("`|\\[")},
	{"a function of SQLite", regexp.MustCompile(`(?i)\b(ifnull|iif|total|typeof|instr|printf|hex|quote|zeroblob|changes|group_concat|random|strftime|datetime|julianday|unixepoch|json_\w+)\s*\(`)},
	{"max or min of several values", regexp.MustCompile(`(?i)\b(max|min)\s*\([^()]*,`)},
	{"a numbered or named parameter", regexp.MustCompile(`[?]\d|[:@$][a-z]`)},
	{"an addition of text", regexp.MustCompile(`'\s*\+|\+\s*'`)},
}

// refused names the first construct that is not in the shared subset, or returns "".
func refused(statement string) string {
	for _, r := range refusals {
		if r.pattern.MatchString(statement) {
			return r.name
		}
	}
	return ""
}

func TestRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, statement string }{
		{"a statement about the file", "PRAGMA user_version"},
		{"a statement about the file", "VACUUM INTO ?"},
		{"INSERT OR, REPLACE INTO", "INSERT OR IGNORE INTO runs (run) VALUES (?)"},
		{"INSERT OR, REPLACE INTO", "replace into runs (run) values (?)"},
		{"the row id", "SELECT rowid FROM runs"},
		{"GLOB, MATCH, REGEXP", "SELECT 1 FROM runs WHERE run GLOB ?"},
		{"LIKE, which ignores case in SQLite alone", "SELECT 1 FROM runs WHERE run LIKE ?"},
		{"a collation", "SELECT 1 FROM runs ORDER BY run COLLATE NOCASE"},
		{"an index hint", "SELECT 1 FROM runs INDEXED BY runs_by_start"},
		{"LIMIT with a comma", "SELECT 1 FROM runs LIMIT 5, 10"},
		{"two equals signs", "SELECT 1 FROM runs WHERE run == ?"},
		{"IS between values", "SELECT 1 FROM runs WHERE end_us IS ?"},
		{"IS between values", "SELECT 1 FROM runs r WHERE end_us IS NOT r.start_us"},
		{"a name in brackets or grave accents", "SELECT `run` FROM runs"},
		{"a name in brackets or grave accents", "SELECT [run] FROM runs"},
		{"a function of SQLite", "SELECT ifnull(end_us, 0) FROM runs"},
		{"a function of SQLite", "SELECT json_extract(codes, '$.0') FROM snapshots"},
		{"max or min of several values", "SELECT max(start_us, end_us) FROM runs"},
		{"a numbered or named parameter", "SELECT 1 FROM runs WHERE run = ?1"},
		{"a numbered or named parameter", "SELECT 1 FROM runs WHERE run = :run"},
		{"an addition of text", "SELECT run + 'x' FROM runs"},
		{"", "SELECT coalesce(end_us, 0), max(start_us) FROM runs WHERE run = ? AND end_us IS NULL AND pid IS NOT NULL ORDER BY run LIMIT ?"},
	}
	for _, test := range tests {
		if got := refused(test.statement); got != test.name {
			t.Errorf("%s: refused for %q, want %q", test.statement, got, test.name)
		}
	}
}

// askEverything has the package say every statement it knows, in all its forms.
func askEverything(t *testing.T) {
	path := newPath(t)
	db := days(t, path, 3)
	live := spool(t, metricsdb.Config{Path: path}, run("live"))
	if err := checkpoint(live, []instrument.Snapshot{snapshot("CORP", 1, 1)}); err != nil {
		t.Fatal(err)
	}
	kept := metricsdb.SavedOperation{Run: "day0", Seq: 1, Domain: "CORP", Kind: "bind", Reason: metricsdb.ReasonPinned, Start: start}
	all := metricsdb.Filter{
		Run: "day1", Domain: "CORP", Host: "web1", PID: 4711, App: "payroll", Since: start, Until: start.AddDate(1, 0, 0), Ended: instrument.RunClean, Limit: 5,
	}
	questions := map[string]func() error{
		"runs":       func() error { _, err := db.Runs(t.Context(), metricsdb.Filter{}); return err },
		"runs by":    func() error { _, err := db.Runs(t.Context(), all); return err },
		"run":        func() error { _, err := db.Run(t.Context(), "day1"); return err },
		"shapes":     func() error { _, err := db.Shapes(t.Context(), metricsdb.Filter{}); return err },
		"shapes by":  func() error { _, err := db.Shapes(t.Context(), all); return err },
		"shapes in":  func() error { _, err := db.Shapes(t.Context(), metricsdb.Filter{Domain: "CORP"}); return err },
		"series":     func() error { _, err := db.Series(t.Context(), metricsdb.SeriesQuery{Filter: all}); return err },
		"compare":    func() error { _, err := db.Compare(t.Context(), "day0", "day1"); return err },
		"save":       func() error { return db.SaveOperations(t.Context(), []metricsdb.SavedOperation{kept}) },
		"operations": func() error { _, err := db.Operations(t.Context(), metricsdb.OperationQuery{}); return err },
		"operations by": func() error {
			_, err := db.Operations(t.Context(), metricsdb.OperationQuery{Run: "day0", Domain: "CORP", Shape: "aa", Reason: metricsdb.ReasonSlow, Since: start, Until: start})
			return err
		},
		"export": func() error {
			for _, err := range db.Export(t.Context(), metricsdb.Filter{}, nil) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	for name, ask := range questions {
		if err := ask(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{kept}); err != nil {
		t.Fatal(err)
	}
	if err := db.Unpin(t.Context(), kept.Run, kept.Seq); err != nil {
		t.Fatal(err)
	}
	askRecordings(t, db)
	other := open(t, metricsdb.Config{Path: newPath(t)})
	if _, err := other.Import(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Delete(t.Context(), "day2"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Prune(t.Context(), metricsdb.Retention{Before: start.AddDate(0, 0, 1).Add(12 * time.Hour), MaxBytes: 1}); err != nil {
		t.Fatal(err)
	}
	finish(t, live)
	execute(t, path, "UPDATE runs SET ended = 'running'") // as if its spool had been lost
	list(t, db, metricsdb.Filter{})
}

func askRecordings(t *testing.T, db *metricsdb.DB) {
	t.Helper()
	if err := db.SaveOperations(t.Context(), []metricsdb.SavedOperation{keptOperation("day1", 9)}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.KeepRecording(t.Context(), "named", "day1"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Recordings(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DeleteRecording(t.Context(), "named"); err != nil {
		t.Fatal(err)
	}
}

// What is asked of any database keeps to the SQL that PostgreSQL takes too; TestMain looks at what all other tests asked.
func TestQueriesKeepToTheSharedSubset(t *testing.T) {
	t.Parallel()
	askEverything(t)
	said := asked.all()
	for _, verb := range []string{"SELECT", "INSERT", "UPDATE", "DELETE"} {
		if !slices.ContainsFunc(said, func(s string) bool { return strings.HasPrefix(s, verb+" ") }) {
			t.Errorf("no %s was heard", verb)
		}
	}
	for _, text := range said {
		if why := refused(text); why != "" {
			t.Errorf("%s in\n%s", why, text)
		}
	}
}

// ddl reads a schema as a list of statements without comments and with one blank between words.
func ddl(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	slices.Sort(files)
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain := regexp.MustCompile(`--[^\n]*`).ReplaceAllString(string(text), "")
		for statement := range strings.SplitSeq(plain, ";") {
			if words := strings.Fields(statement); len(words) > 0 {
				all = append(all, strings.NewReplacer("( ", "(", " )", ")").Replace(strings.Join(words, " ")))
			}
		}
	}
	return all
}

// The schemas of both databases differ in the names of types and in nothing else.
func TestSchemasAgree(t *testing.T) {
	t.Parallel()
	theirs := strings.NewReplacer(
		"INTEGER PRIMARY KEY", "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
		"INTEGER", "bigint", "TEXT", "text", "BLOB", "bytea", ") STRICT, WITHOUT ROWID", ")", ") STRICT", ")",
	)
	var want []string
	for _, statement := range ddl(t, "sqlite/*.sql") {
		want = append(want, theirs.Replace(statement))
	}
	if diff := cmp.Diff(want, ddl(t, "postgres/schema.sql")); diff != "" {
		t.Error(diff)
	}
}
