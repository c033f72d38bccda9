// SPDX-License-Identifier: MIT

package ldapmgr

import "time"

// builtIn are the defaults of every domain.
var builtIn = DomainConfig{
	TLS: TLS{MinVersion: "1.2"},
	Timeouts: Timeouts{
		DNS: time.Second, Connect: time.Second, TLS: 1500 * time.Millisecond, Bind: 2 * time.Second, Write: 2 * time.Second,
		Idle: 3 * time.Second, Call: 6 * time.Second,
	},
	Pool: Pool{
		MaxOpen: 8, MaxLifetime: time.Hour, MaxIdleTime: 10 * time.Minute, ProbeAfter: 30 * time.Second,
		WaitTimeout: time.Second, LeakAfter: 30 * time.Second,
	},
	OwnWrites: 15 * time.Second,
	Login:     builtInLogin, Groups: builtInGroups, Sync: builtInSync,
}

// Presets are what kinds of server usually need; a domain's own settings and Config.Defaults come before them.
var presets = map[string]DomainConfig{
	// Active Directory drops idle connections after 900 s (MaxConnIdleTime).
	"active_directory": {Pool: Pool{MaxIdleTime: 10 * time.Minute, MaxLifetime: time.Hour}},
	// slapd keeps idle connections unless idletimeout is set; firewalls between seldom do for longer than half an hour.
	"openldap": {Pool: Pool{MaxIdleTime: 20 * time.Minute}},
	// nsslapd-idletimeout is an hour by default, and often set to a few minutes.
	"389ds": {Pool: Pool{MaxIdleTime: 5 * time.Minute}},
	// One address far away behind a load balancer: longer ways, shorter lives. No anonymous access, no changes.
	"jumpcloud": {
		Servers:  []string{"ldaps://ldap.jumpcloud.com"},
		Timeouts: Timeouts{Connect: 3 * time.Second, TLS: 3 * time.Second, Bind: 5 * time.Second, Idle: 10 * time.Second, Call: 15 * time.Second},
		Pool:     Pool{MaxOpen: 4, MaxIdleTime: 3 * time.Minute, MaxLifetime: 30 * time.Minute, WaitTimeout: 3 * time.Second},
	},
}

// Layers are the settings of one domain as they come together. Each has those before it filled in; Effective is what holds,
// with the built-in defaults.
type Layers struct{ Own, Defaults, Preset, Effective DomainConfig }

// Layers says what the named domain sets itself, what Config.Defaults and its preset add, and what holds. The domain is
// named as in Domains.
func (c Config) Layers(name string) Layers { return c.layers(c.Domains[name]) }

func (c Config) effective(d DomainConfig) DomainConfig { return c.layers(d).Effective }

func (c Config) layers(own DomainConfig) Layers {
	l := Layers{Own: own, Defaults: own.inherit(c.Defaults.without(own.Replace))}
	l.Preset = l.Defaults.inherit(presets[l.Defaults.Preset])
	d := l.Preset.inherit(builtIn)
	if d.Pool.MaxOpen >= 0 && (d.Pool.MaxIdle == 0 || d.Pool.MaxIdle > d.Pool.MaxOpen) { // a mistake in one is not told of the other
		d.Pool.MaxIdle = d.Pool.MaxOpen
	}
	if d.Bind.Method == "" {
		d.Bind.Method = defaultMethod(d.Bind)
	}
	if d.Writer != nil && d.Writer.Method == "" {
		writer := *d.Writer
		writer.Method = defaultMethod(writer)
		d.Writer = &writer
	}
	l.Effective = d
	return l
}

func defaultMethod(b Bind) string {
	if b.Name == "" && b.Password.IsZero() && b.Keytab == "" && b.CCache == "" {
		return BindAnonymous
	}
	return BindSimple
}
