// SPDX-License-Identifier: MIT

// Package ldif reads the records of an LDIF text (RFC 2849) that add entries. The in-memory directory and the starter of
// a real slapd share it.
//
//	err := ldif.Read(file, func(r ldif.Record) error { fmt.Println(r.DN); return nil })
//
// Nothing is shared between calls. Errors are plain and start with the number of the line; they repeat no value. Records
// that change or delete, and values by URL, are refused.
package ldif
