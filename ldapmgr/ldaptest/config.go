// SPDX-License-Identifier: MIT

package ldaptest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Profile is the kind of server that the directory behaves like.
type Profile int

// The profiles. OpenLDAP is held to slapd 2.5 by the conformance suite; ActiveDirectory to the documented behaviour.
const (
	OpenLDAP Profile = iota
	ActiveDirectory
)

// String returns "openldap" or "ad".
func (p Profile) String() string {
	if p == ActiveDirectory {
		return "ad"
	}
	return "openldap"
}

// Config says what the directory holds and how it behaves. The zero value is an empty OpenLDAP-like directory.
type Config struct {
	Profile Profile   // default OpenLDAP
	Suffix  string    // naming context; default dc=example,dc=org
	LDIF    io.Reader // entries to start with, the suffix entry first; read by New; default none
	Schema  string    // definitions added to the profile's own, in the notation of slapd's schema files; default none

	RootDN       string   // may do everything and needs no entry; default cn=admin,<suffix>
	RootPassword string   // default none: nobody can bind as RootDN
	Writers      []string // names that may change entries beside RootDN; default everybody who is bound
	NetBIOS      string   // domain name for DOMAIN\user in the ActiveDirectory profile; default the first dc in capitals

	Partitions bool // ActiveDirectory only: searches from the suffix end with the three references of a real domain; default false

	// ChannelBinding has NTLM binds over TLS name the certificate of Config.TLS, as LdapEnforceChannelBinding = 2 does;
	// ActiveDirectory only; default false.
	ChannelBinding bool

	TLS *tls.Config // certificate for StartTLS and ServeTLS; default none: StartTLS is refused

	SizeLimit   int           // entries of one unpaged search; default 500 for OpenLDAP, MaxPageSize for ActiveDirectory; -1: no limit
	MaxPageSize int           // entries of one page; default 1000 for ActiveDirectory, no limit for OpenLDAP
	MaxValRange int           // values of one attribute in one answer, ActiveDirectory only; default 1500
	TimeLimit   time.Duration // for one search; default 1 h

	Latency func(Request) time.Duration // waited before each request is carried out; default none
	Fault   Fault                       // what goes wrong; may be changed later with SetFault; default nothing
	Logger  *slog.Logger                // default none: nothing is logged
	Now     func() time.Time            // the directory's clock; default time.Now
}

// filled returns c with defaults in the place of zero fields, or everything that is wrong with it.
func (c Config) filled() (Config, error) {
	var problems []error
	if c.Profile != OpenLDAP && c.Profile != ActiveDirectory {
		problems = append(problems, fmt.Errorf("profile %d is neither OpenLDAP nor ActiveDirectory", c.Profile))
	}
	if c.Suffix == "" {
		c.Suffix = DefaultSuffix
	}
	if c.RootDN == "" {
		c.RootDN = "cn=admin," + c.Suffix
	}
	if c.NetBIOS == "" {
		first, _, _ := strings.Cut(c.Suffix, ",")
		_, name, _ := strings.Cut(first, "=")
		c.NetBIOS = strings.ToUpper(strings.TrimSpace(name))
	}
	if c.MaxPageSize < 0 || c.MaxValRange < 0 || c.TimeLimit < 0 {
		problems = append(problems, errors.New("MaxPageSize, MaxValRange and TimeLimit must not be negative"))
	}
	if c.MaxPageSize == 0 && c.Profile == ActiveDirectory {
		c.MaxPageSize = 1000
	}
	if c.SizeLimit == 0 {
		c.SizeLimit = 500
		if c.Profile == ActiveDirectory {
			c.SizeLimit = c.MaxPageSize
		}
	}
	if c.MaxValRange == 0 {
		c.MaxValRange = 1500
	}
	if c.TimeLimit == 0 {
		c.TimeLimit = time.Hour
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, errors.Join(problems...)
}

// DefaultSuffix is the naming context of a Config that names none, and of Company.
const DefaultSuffix = "dc=example,dc=org"
