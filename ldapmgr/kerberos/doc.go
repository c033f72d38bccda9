// SPDX-License-Identifier: MIT

// Package kerberos makes the clients with which a domain of ldapmgr binds by GSSAPI (RFC 4752): with a password, a keytab
// or a credential cache. It is a package of its own so that programs without Kerberos do not carry it:
//
//	cfg := ldapmgr.DomainConfig{
//		Servers: []string{"ldaps://dc1.example.org"}, GSSAPI: kerberos.New,
//		Bind: ldapmgr.Bind{Method: ldapmgr.BindGSSAPI, Name: "ldapscope@EXAMPLE.ORG", Keytab: "/etc/ldapscope.keytab"},
//	}
//
// No security layer is negotiated and no channel binding sent, so that encryption is that of TLS. A domain controller that
// asks for signing refuses a bind without TLS with code 8, and Samba with "ldap server require strong auth = yes", its default,
// also one over TLS: it needs allow_sasl_over_tls. ldapmgr.Hint and ldapmgr.Reason say which of these it is.
//
// # Errors
//
// A file that cannot be read is an error of New. A KDC that refuses the account is ldapmgr.ErrNoTicket; one that does not
// answer is any other error, and no wait is longer than the context that New was given.
package kerberos
