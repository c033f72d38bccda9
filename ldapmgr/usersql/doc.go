// SPDX-License-Identifier: MIT

// Package usersql keeps the users and groups that ldapmgr syncs in a SQL database: the ready Sink and Roster of
// ldapmgr.NewSyncer. The driver is the application's own; SQLite and PostgreSQL are spoken, and tested with modernc.org/sqlite
// and github.com/jackc/pgx/v5/stdlib.
//
//	db, err := sql.Open("sqlite", "file:app.db?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
//	users, err := usersql.New(usersql.Config{DB: db, Dialect: usersql.SQLite, Fields: []string{"first_name", "mail"}, Flags: []string{"staff"}})
//	err = users.CreateTables(ctx)
//	syncer := ldapmgr.NewSyncer(manager, users, ldapmgr.Hooks{})
//
// A Store is safe for concurrent use, by several processes too: each Apply is one transaction, these take turns, and what is
// unique is unique in the database. What the database refuses for the sake of another transaction is begun again a few times,
// but not once a hook was asked. Text that PostgreSQL cannot keep, which is bytes that are no UTF-8 and zero, it keeps as
// U+FFFD.
//
//	failure                                   error
//	a name that is no plain identifier        New returns all of them joined
//	a local name that somebody else has       ldapmgr.ErrNameTaken; nothing was written
//	transactions of others, again and again   ErrConflict; nothing was written
//	an unknown user or a wrong password       ErrPassword, from CheckPassword
//	an account that does not exist            ErrNotFound
package usersql
