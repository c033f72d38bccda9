// SPDX-License-Identifier: MIT

// Package ldapmgr keeps connections to LDAP directories for applications that name a domain and ask. It dials (ldap, ldaps,
// StartTLS, ldapi), binds, pools, fails over and bounds every wait; it locks no account, refuses changes where it was not
// told to allow them, and shows everything to an instrument.Scope. The smallest program:
//
//	m, err := ldapmgr.New(ldapmgr.Config{Scope: instrument.New(), Domains: map[string]ldapmgr.DomainConfig{
//		"EXAMPLE": {Servers: []string{"ldaps://dc1.example.org", "ldaps://dc2.example.org"},
//			Bind: ldapmgr.Bind{Name: "reader@example.org", Password: ldapmgr.Secret{Env: "LDAP_PASSWORD"}}},
//	}})
//	defer m.Close(ctx)
//	d, err := m.Domain("EXAMPLE")
//	result, err := d.Search(ctx, ldap.NewSearchRequest("", ldap.ScopeWholeSubtree, 0, 0, 0, false, "(mail=ada@example.org)", nil, nil))
//
// # Connections
//
// A domain has a pool of connections that are bound as the service account once and never anew, one for changes where these
// have an account of their own, and one on which nothing but logins is sent. A connection belongs to one borrower at a
// time. Domain.Do lends one; everything else is built on the same rules.
//
// Servers are asked in order of preference. One that cannot be reached is down until a probe reaches it; one that is slow
// to connect to is overtaken by the next after 250 ms; one that lets calls wait in silence is asked on a second connection,
// and left when that gets no answer either. A preferred server that comes back is used again after three good probes over
// 3.5 seconds. When all are down, calls fail at once.
//
// # Reading and changing
//
// Domain.Search answers whole or with an error; SearchPaged and Entries read in pages, the latter with one page in memory.
// Attributes of which Active Directory sends the first values are completed. Entry reads typed values. OfClass checks names against
// Domain.Schema, which is read once, and Edit sends only what changes something.
//
// References to other servers are data. Where DomainConfig.Referrals names the domain that one leads to, searches, streams,
// compares and changes go on there, with that domain's own servers, TLS and account, and are operations of that domain. Binds
// and passwords go nowhere else, and neither do people: logins, users, groups and syncs stay in their domain.
//
// # What is sent again
//
//	                          nothing sent   sent, no answer                 answered busy (51, 52)
//	search, compare, rootDSE  yes            once, if nothing was handed on  once, on another server
//	changes                   yes            never: OutcomeError             never
//	logins                    yes            never                           never
//	Do                        yes            never                           never
//
// A tenth of the calls of the last ten seconds may be sent again, and three in any case. A service account that a server
// refuses is not tried again before its password changes or 15 minutes have passed; binds go one at a time.
//
// # People
//
// Domain.Authenticate checks a name and a password and returns a User with attributes and groups; Domain.User does without a
// password. A Syncer keeps local accounts like the directory's, through a Sink such as package usersql's:
//
//	syncer := ldapmgr.NewSyncer(m, sink, ldapmgr.Hooks{})
//	done, err := syncer.Login(ctx, ldapmgr.Credentials{Name: name, Password: password, Address: r.RemoteAddr})
//	if err != nil {
//		var refused *ldapmgr.LoginError
//		if errors.As(err, &refused) { show(refused.Public()) }
//	}
//
// DomainConfig.Login, Users, Groups and Sync say how. Nothing is given or taken by default: flags and groups follow the
// directory only where a group query says so, an existing account is linked only where that is allowed, and people who left
// stay active until Sync.Leavers says otherwise. Every search that does not end well is an error and changes nothing; what a
// sync of everybody would take away passes the brake first, see Brake.
//
// Syncer.All syncs everybody once and Syncer.Run again and again, where Sync.Every says how often. Syncer.Link links local
// accounts that were there before the directory.
//
// # Concurrency
//
// Every method may be called from any goroutine. A Manager starts goroutines with the first call; Close ends and awaits
// them. A context without a deadline gets Timeouts.Call, except for Entries, which goes on as long as answers come.
//
// # Errors
//
//	failure                               type                        errors.Is
//	configuration                         *ConfigError, joined
//	name of no domain                                                 ErrUnknownDomain
//	no server, or none could be reached   *Error                      ErrUnavailable, and what the network said
//	server's certificate refused          *Error                      ErrUnavailable, and ErrPin, ErrWeakKey or what crypto/x509 says
//	service account refused               *Error                      ErrServiceAccount, with Kerberos also ErrNoTicket
//	pool exhausted                        *Error                      ErrPoolExhausted
//	change in a read-only domain          *Error                      ErrReadOnly
//	operation a connection is not for     *Error                      ErrMisuse, such as a change beside the writer
//	login refused                         *Error                      ErrInvalidCredentials
//	login that ended otherwise than well  *LoginError                 see LoginError.Outcome and OutcomeOf
//	name that cannot be a login name      *LoginError, *Error         ErrLoginName
//	name that several entries have        *AmbiguousError             ErrAmbiguous
//	required field without a value        *FieldError
//	group query that cannot be read       *QueryError
//	local name of somebody else                                       ErrNameTaken
//	no local account, and none is made                                ErrNoAccount
//	hook that refuses a sync                                          ErrVetoed, and the hook's own
//	sync by a server that is behind                                   ErrStale
//	removals that the brake kept back                                 ErrHeld, in an Event alone
//	entry not there                       *Error                      ErrNotFound
//	change without an answer              *OutcomeError               ErrOutcomeUnknown
//	repeat of what is no question                                     ErrNotRepeatable
//	anything on an open connection        *instrument.OperationError  see there
//	references without an end             *Error                      ErrReferralLimit
//	after Close                           *Error                      ErrClosed
//
// Where a server answered, errors.As finds its *ldap.Error, Hint says what the code usually means, Reason and Classify say
// why a connection failed. No error holds a filter, a value or a password.
package ldapmgr
