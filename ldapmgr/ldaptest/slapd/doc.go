// SPDX-License-Identifier: MIT

// Package slapd starts a private OpenLDAP server for a test: in a temporary folder, on free loopback ports, with its own
// certificate authority, filled from LDIF. It is the real thing that the in-memory directory is held against.
//
//	s := slapd.Start(t, slapd.Config{LDIF: people})
//	conn, err := ldap.DialURL(s.LDAP)
//
// Where slapd is not installed the test skips, or fails when LDAPSCOPE_REQUIRE lists slapd (see package require). Methods
// may be called from any goroutine of the test; all failures end the test through the TB and none is returned.
package slapd
