// SPDX-License-Identifier: MIT

// Package samba starts a private Active Directory for a test: a Samba domain controller on a loopback address of its own,
// in a temporary folder, with its own certificate authority, filled from LDIF. It is what the ActiveDirectory profile of
// the in-memory directory is held against.
//
//	s := samba.Start(t, samba.Config{})
//	conn, err := ldap.DialURL(s.LDAPS, ldap.DialWithTLSConfig(&tls.Config{RootCAs: s.CA.Pool()}))
//	err = conn.Bind("ada@example.org", samba.Password)
//
// Setting a domain up takes 10 to 30 seconds. It is done once for each combination of Samba's version and Config and kept
// in the user's cache folder; every server runs on a copy of it, which takes one or two seconds, so that no test sees what
// another one changed.
//
// Samba's ports are fixed (389, 636, 3268, 3269, 88, 464), so it needs root and an address for itself: Start takes the
// first free one of 127.0.0.21 to 127.0.0.60 and holds it by a lock on a file, also against other processes. What a killed
// process leaves behind, some 35 MB, is removed by the next one that gets its address.
//
// Where Samba is not installed or the process is not root the test skips, or fails when LDAPSCOPE_REQUIRE lists samba (see
// package require). Methods may be called from any goroutine of the test; all failures end the test through the TB and none
// is returned. The server ends with the test, and also when the test's process is killed.
package samba
