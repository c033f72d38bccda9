// SPDX-License-Identifier: MIT

package usersql_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

func Example() {
	dir, err := os.MkdirTemp("", "usersql")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "app.db")+"?_pragma=foreign_keys(1)")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	users, err := usersql.New(usersql.Config{DB: db, Fields: []string{"mail"}, Flags: []string{"staff"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := users.CreateTables(ctx); err != nil {
		fmt.Println(err)
		return
	}
	id, err := users.AddLocal(ctx, "Guest", "")
	account, found, failed := users.Named(ctx, "", "guest")
	fmt.Println(id, err, account.Name, found, failed)
	// Output: 1 <nil> Guest true <nil>
}
