// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

// storedUsers counts the local users of each domain in a database, which it only reads. Without the file there are none.
func storedUsers(ctx context.Context, path string) (users map[string]int, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	db, err := sql.Open("sqlite", name.String()+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	store, err := usersql.New(usersql.Config{DB: db})
	if err != nil {
		return nil, err
	}
	users = map[string]int{}
	for account, err := range store.All(ctx) {
		if err != nil {
			return nil, fmt.Errorf("reading the stored users in %s: %w", path, err)
		}
		if account.Domain != "" {
			users[account.Domain]++
		}
	}
	return users, nil
}
