// SPDX-License-Identifier: MIT

// Package webauth puts the users of a directory into an HTTP application: it takes the name that a trusted proxy or IIS
// passes on, keeps local accounts like the directory's while people work, and lets in who belongs to a domain, is in a group
// or has a permission. It uses net/http alone.
//
//	guard, err := webauth.New(webauth.Config{Syncer: syncer, User: sessionUser, LoginURL: "/login"})
//	admins, err := guard.RequireGroup(webauth.Rule{}, `"Domain Admins"`)
//	mux.Handle("/admin/", guard.Sync(admins(page)))
//
// A user whose account is fresh costs neither a query nor an LDAP operation. All handlers are safe for concurrent use.
// Nobody is let in by default: who is not known gets 401 or the login page, who is known and may not gets 403, and where the
// directory does not answer Sync.OnError of the domain decides.
//
//	failure                                       answer
//	nobody is logged in                           303 to LoginURL, else 401
//	logged in, and the rule does not let in       403
//	the sync fails and stale data may not serve   503, or Config.Error
//	a name that is none, or of no known domain    403
package webauth
