// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// Config is everything a Manager needs to know. New copies it.
type Config struct {
	Scope         *instrument.Scope       // sees every operation; required
	Logger        *slog.Logger            // default slog.Default()
	Default       string                  // domain meant by the empty name; default the only domain, if there is just one
	ServeUnlisted bool                    // names that are not configured mean the default domain; default they are ErrUnknownDomain
	Preload       []string                // domains that Manager.Preload connects when it is given no names; default all, empty none
	Silence       []string                // codes of warnings that are not to be shown for any domain
	Defaults      DomainConfig            // inherited by every domain where it sets nothing itself
	Domains       map[string]DomainConfig // by name; names are matched without regard to case
}

// DomainConfig configures one directory. A field left at its zero value is inherited from Config.Defaults, then from the
// preset, then it has the default stated here; an empty list that is not nil means none.
type DomainConfig struct {
	Preset    string         // active_directory, openldap, 389ds or jumpcloud; default none
	Aliases   []string       // further names: FQDN, NetBIOS, UPN suffix; never inherited
	Servers   []string       // URLs ldap://, ldaps:// or ldapi://, the preferred first; this or SRV is required
	SRV       string         // name whose DNS SRV records list the servers: example.org, or ldaps://example.org for TLS from the start
	Base      string         // where searches start; default the server's default naming context
	Bind      Bind           // the service account
	Writer    *Bind          // account for changes; default the service account makes them
	TLS       TLS            // of ldaps and StartTLS
	StartTLS  *bool          // encrypt ldap:// connections before anything else; default false
	ReadOnly  *bool          // refuse every change before it is sent; default true
	SaveUsage *bool          // keep usage in the history; default true
	LogLevel  *slog.Level    // least level that is logged for this domain; default what the logger lets through
	Timeouts  Timeouts       // how long anything may take
	Pool      Pool           // how many connections, for how long
	Silence   []string       // codes of warnings that are not to be shown, such as clear_text
	Referrals []string       // names of configured domains whose servers referrals may lead to; default none: they are only recorded
	Classes   []string       // object classes whose definitions are read ahead, in the background, also for advice on unknown attributes; default none: when asked for
	Login     Login          // how people log in
	Users     Users          // which entries are people, and what is kept of them
	Groups    Groups         // how the groups of a person are found
	Sync      Sync           // how local users follow the directory
	Extra     map[string]any // the application's own settings, handed back by Domain.Extra; merged key by key
	// Replace names the parts that are not merged with Config.Defaults but stand alone: bind, tls, timeouts, pool, login, users,
	// users.fields, groups, sync, sync.flags, sync.implies, sync.groups or extra. Presets and built-in defaults still fill them.
	// Never inherited.
	Replace []string

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // opens sockets; default net.Dialer
	// OwnWrites is for how long reads keep to the server that took a change through the domain, while it can be asked: its
	// replicas may not have it yet. Default 15 s, what Active Directory takes to tell its neighbours; negative for no time.
	OwnWrites time.Duration
	Event     func(ctx context.Context, e Event) // told about logins and failures; default none
	Resolver  *net.Resolver                      // looks names up; default net.DefaultResolver
	// Connected is called for each new connection once it is bound, before its first use; an error closes it. Default none.
	Connected func(ctx context.Context, domain string, client *instrument.Client) error
	// GSSAPI makes a Kerberos client for one bind: kerberos.New of package ldapmgr/kerberos. Required for BindGSSAPI only, so
	// that programs without Kerberos do not carry it.
	GSSAPI func(ctx context.Context, account KerberosAccount) (ldap.GSSAPIClient, error)
}

// The ways to bind.
const (
	BindSimple    = "simple"
	BindAnonymous = "anonymous"
	BindExternal  = "external" // the client certificate, or the peer of a local socket
	BindNTLM      = "ntlm"     // Active Directory's NTLMv2, in the form that it calls Sicily
	BindGSSAPI    = "gssapi"   // Kerberos (RFC 4752), without a security layer: encryption is that of TLS
)

// Bind says as whom to bind.
type Bind struct {
	Method   string // simple, anonymous, external, ntlm or gssapi; default simple with a Name, else anonymous
	Name     string // DN, user@domain or DOMAIN\user; ntlm takes DOMAIN\user only, gssapi a principal: user, user@REALM
	Password Secret // required for simple and ntlm; for gssapi this, Keytab or CCache

	// The rest is for gssapi.
	Keytab   string // file with the account's key
	CCache   string // file with the account's tickets, which something else renews; Name is not needed then
	Realm    string // default the one in Name, else the default realm of Krb5Conf
	Krb5Conf string // default $KRB5_CONFIG, else /etc/krb5.conf
	Service  string // principal of the server; default ldap/ and tls.server_name, else ldap/ and the host of the URL
}

// TLS says how certificates are checked. Files are read anew for every connection, so that they may be renewed. Where chains
// decide, RSA keys of less than 2,048 bits are refused; Pins trusts a server that has nothing better.
type TLS struct {
	CAFile             string   // certificates to trust in the place of the system's: PEM, DER, P7B or PFX; default the system's
	ServerName         string   // name that the certificate must have; default the host of the URL
	MinVersion         string   // 1.0, 1.1, 1.2 or 1.3; default 1.2
	ClientCert         string   // file of a client certificate: PEM, or PFX with its key; default none
	ClientKey          string   // PEM file of its key; default ClientCert holds both
	Password           Secret   // of ClientCert and CAFile in PFX form; default none
	Pins               []string // SHA-256 fingerprints, hexadecimal, of server certificates; when set nothing else is trusted
	LegacyRSA          *bool    // also offer RSA key exchange, for servers of before 2012; default false
	InsecureSkipVerify *bool    // trust anybody; default false
}

// Timeouts bound the parts of a call. Negative values are refused.
type Timeouts struct {
	DNS       time.Duration // one look-up; default 1 s
	Connect   time.Duration // TCP to one address; default 1 s
	TLS       time.Duration // handshake; default 1.5 s
	Bind      time.Duration // bind of a new connection; default 2 s
	Write     time.Duration // one message to the socket; default 2 s
	Idle      time.Duration // without any message while an operation is open; default 3 s
	Operation time.Duration // one operation; default as long as the call
	Call      time.Duration // a whole call whose context has no deadline of its own; default 6 s
}

// Pool bounds the connections of one domain. Service, writer and login connections are counted apart.
type Pool struct {
	MaxOpen     int           // open at once; default 8
	MaxIdle     int           // kept for later; default MaxOpen
	MinIdle     int           // service connections kept ready once the domain is in use; default 0
	MaxLifetime time.Duration // age at which a connection is replaced, with 10 % jitter; default 1 h
	MaxIdleTime time.Duration // unused at which it is closed, with 10 % jitter; default 10 min, below Active Directory's 15
	MaxUses     int           // uses after which a connection is replaced; default no limit
	ProbeAfter  time.Duration // unused after which it is tried before use; default 30 s
	WaitTimeout time.Duration // wait for a free connection; default 1 s
	LeakAfter   time.Duration // held at which the holder is reported with its stack; default 30 s
}
