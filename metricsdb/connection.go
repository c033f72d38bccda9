// SPDX-License-Identifier: MIT

package metricsdb

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// driver is the name of SQLite in database/sql; tests put one in its place that listens.
var driver = "sqlite"

const readers = 4 // connections that answer questions at the same time; each has a page cache of its own

// fileURI is the only form of a name in which the driver honours mode=ro; it also keeps a '?' in the path from becoming
// options.
func fileURI(path string, options ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/...
	}
	u := url.URL{Scheme: "file", Path: path}
	return u.String() + "?" + strings.Join(options, "&")
}

// common are the settings of every connection; the driver runs busy_timeout before all other pragmas. trusted_schema and
// cell_size_check are for a file that somebody else has prepared.
func common(wait time.Duration) []string {
	return []string{
		fmt.Sprintf("_pragma=busy_timeout(%d)", max(wait.Milliseconds(), 1)),
		"_pragma=foreign_keys(1)", "_pragma=trusted_schema(0)", "_pragma=cell_size_check(1)", "_dqs=0", "_error_rc=1",
	}
}

// openWriter returns a handle of one connection whose transactions take the write lock at once: one that reads first and
// then writes fails when another writes in between, however long the busy timeout. Nothing is opened yet.
func openWriter(path string, wait time.Duration) (*sql.DB, error) {
	options := append(common(wait), "mode=rw", "_txlock=immediate", "_pragma=synchronous(FULL)", "_pragma=journal_size_limit(16777216)")
	db, err := sql.Open(driver, fileURI(path, options...))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// openReader returns a handle that cannot change the file. Immutable is for a folder in which SQLite cannot create the
// files that a reader of a write-ahead log needs. Nothing is opened yet.
func openReader(path string, wait time.Duration, immutable bool) (*sql.DB, error) {
	options := append(common(wait), "mode=ro", "_query_only=1")
	if immutable {
		options = append(options, "immutable=1")
	}
	db, err := sql.Open(driver, fileURI(path, options...))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	return db, nil
}

func busyPragma(wait time.Duration) string {
	return fmt.Sprintf("PRAGMA busy_timeout = %d", max(wait.Milliseconds(), 1))
}
