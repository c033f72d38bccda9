// SPDX-License-Identifier: MIT

// Package postgres starts a private PostgreSQL for the tests of a package: in a temporary folder, on a socket in it, with
// nothing that must survive. It opens no port and needs no password.
//
//	var server postgres.Server // one for the package
//
//	server.Start(t) // in each test that needs it; the first one starts it
//	db, err := sql.Open("pgx", server.DSN())
//	server.Stop() // in TestMain
//
// Where PostgreSQL is not installed the test skips, or fails when LDAPSCOPE_REQUIRE lists postgres (see package require).
// Methods may be called from any goroutine of a test. The server ends with Stop, and also when the test's process is killed.
package postgres
