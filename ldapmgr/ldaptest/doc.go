// SPDX-License-Identifier: MIT

// Package ldaptest is an LDAP directory in memory: for tests, for examples and for the demo. It speaks real LDAP over any
// net.Listener on the codec of instrument/wire, holds entries loaded from LDIF, and behaves like one of two servers. The
// OpenLDAP profile answers as slapd 2.5 does, which a table of requests, replayed against both, holds it to; the
// ActiveDirectory profile answers as documented, with sub-codes, ranged attributes, page size limits and computed
// attributes. Whatever can go wrong on the way can be asked for with a Fault.
//
// In a test:
//
//	s := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(100))})
//	conn, err := ldap.DialURL(s.URL())
//	s.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.Delay(time.Second)))
//
// Outside tests, with a listener of its own:
//
//	dir, err := ldaptest.New(cfg)
//	err = dir.Serve(ctx, listener) // until ctx ends
//
// Carried out are simple binds, in the OpenLDAP profile EXTERNAL (by a client certificate that Config.TLS verifies, and on Linux by
// the user at the other end of a Unix socket), in the ActiveDirectory profile NTLMv2 with its MIC in the form called Sicily,
// searches with every kind of filter, paging (RFC 2696), server-side sorting (RFC 2891),
// compare, add, modify with increment (RFC 4525), modify DN, delete, abandon, cancel (RFC 3909), StartTLS, who am I
// (RFC 4532), password modify (RFC 3062), assertion (RFC 4528), pre- and post-read (RFC 4527) and referral objects
// (RFC 3296). Not carried out are other SASL mechanisms, password policies, aliases, virtual list views and replication.
//
// Passwords in userPassword (clear, {SHA}, {SSHA}) and unicodePwd are compared by binds and shown to nobody. In the
// OpenLDAP profile everybody may read; in both, everybody who is bound may write unless Config.Writers names who may.
// member and memberOf, and in the ActiveDirectory profile manager and directReports, are kept in line with each other.
//
// # Concurrency
//
// A Directory and a Server may be used from any goroutine. Serve starts goroutines and waits for all of them before it
// returns: one that reads for each connection, one for each operation, at most 256 on one connection. Requests of one
// connection run side by side, as in real servers, but a bind runs alone. Entries never change once they are visible:
// a search sends each entry as it was at one instant, while others may change the tree. A panic in an operation is
// logged and ends that connection only.
//
// # Errors
//
//	failure                                         what happens
//	settings, schema or LDIF that make no sense     New returns all bad settings, or the first bad line by number
//	the listener fails                              Serve returns the error, after all connections have ended
//	the context of Serve ends                       notice of disconnection to every client; Serve returns nil
//	a message that cannot be decoded                notice of disconnection with code 2, then the connection ends
//	anything else in a request                      a result code, as the profile's server would give
package ldaptest
