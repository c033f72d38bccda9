// SPDX-License-Identifier: MIT

// Package wire reads and writes LDAP messages (RFC 4511) as bytes: a framer that cuts a stream into messages, views that
// read one message without copying it, an appending encoder, and the one filter tree with its text form (RFC 4515).
// It is shared by the observer of client connections and by the in-memory directory, and depends on nothing but the
// standard library.
//
//	f := wire.NewFramer(conn, wire.DefaultLimits)
//	raw, err := f.Next()              // one LDAPMessage, valid until the next call
//	m, err := wire.ParseMessage(raw)  // id, operation, controls: views into raw
//	s, err := wire.ParseSearch(m.Body)
//
// Every byte slice in a view aliases the input; copy what must outlive it. Nothing here is safe for concurrent use by
// several goroutines on one value, and nothing shares state between values.
//
// Input is hostile. Messages above Limits.MessageBytes, nested deeper than Limits.Depth or holding more than
// Limits.Elements elements are refused before anything is allocated for them. Lengths may be longer than necessary, as
// Active Directory writes them (X.690 8.1.3.5); indefinite lengths are refused (RFC 4511 section 5.1).
//
//	failure                                   error
//	message, depth or elements above a limit  ErrLimit
//	bytes that are no LDAP message            ErrMalformed
//	filter text that does not parse           *FilterError
package wire
