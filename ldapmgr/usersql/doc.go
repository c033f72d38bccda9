// SPDX-License-Identifier: MIT

// Package usersql keeps the users and groups that ldapmgr syncs in a SQL database: the ready Sink and Roster of
// ldapmgr.NewSyncer. The driver is the application's own; SQLite and PostgreSQL are spoken.
//
//	db, err := sql.Open("sqlite", "file:app.db?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)")
//	users, err := usersql.New(usersql.Config{DB: db, Dialect: usersql.SQLite, Fields: []string{"first_name", "mail"}, Flags: []string{"staff"}})
//	err = users.CreateTables(ctx)
//	syncer := ldapmgr.NewSyncer(manager, users, ldapmgr.Hooks{})
//
// A Store is safe for concurrent use, by several processes too: each Apply is one transaction, and what is unique is unique
// in the database.
//
//	failure                                   error
//	a name that is no plain identifier        New returns all of them joined
//	a local name that somebody else has       what the driver says; nothing was written
//	an unknown user or a wrong password       ErrPassword, from CheckPassword
//	an account that does not exist            ErrNotFound
package usersql
