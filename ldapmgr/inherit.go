// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"maps"
	"time"
)

// isOn reads a setting that is off by default.
func isOn(setting *bool) bool { return setting != nil && *setting }

// isOff reads a setting that is on by default.
func isOff(setting *bool) bool { return setting != nil && !*setting }

// inherit returns d with what it leaves open taken from parent. Lists are replaced whole: nil inherits, empty means none.
func (d DomainConfig) inherit(parent DomainConfig) DomainConfig {
	d.Preset = cmp.Or(d.Preset, parent.Preset)
	if d.Servers == nil && d.SRV == "" { // one replaces the other
		d.Servers, d.SRV = parent.Servers, parent.SRV
	}
	d.Base = cmp.Or(d.Base, parent.Base)
	d.Bind = d.Bind.inherit(parent.Bind)
	d.Writer = cmp.Or(d.Writer, parent.Writer)
	d.TLS = d.TLS.inherit(parent.TLS)
	d.StartTLS = cmp.Or(d.StartTLS, parent.StartTLS)
	d.ReadOnly = cmp.Or(d.ReadOnly, parent.ReadOnly)
	d.SaveUsage = cmp.Or(d.SaveUsage, parent.SaveUsage)
	d.LogLevel = cmp.Or(d.LogLevel, parent.LogLevel)
	d.Timeouts = d.Timeouts.inherit(parent.Timeouts)
	d.Pool = d.Pool.inherit(parent.Pool)
	d.Silence, d.Referrals = orList(d.Silence, parent.Silence), orList(d.Referrals, parent.Referrals)
	d.Classes = orList(d.Classes, parent.Classes)
	d.Login, d.Users = d.Login.inherit(parent.Login), d.Users.inherit(parent.Users)
	d.Groups, d.Sync = d.Groups.inherit(parent.Groups), d.Sync.inherit(parent.Sync)
	d.Extra = mergeExtra(d.Extra, parent.Extra)
	d.Resolver = cmp.Or(d.Resolver, parent.Resolver)
	d.OwnWrites = cmp.Or(d.OwnWrites, parent.OwnWrites)
	if d.Dial == nil {
		d.Dial = parent.Dial
	}
	if d.Event == nil {
		d.Event = parent.Event
	}
	if d.Connected == nil {
		d.Connected = parent.Connected
	}
	if d.GSSAPI == nil {
		d.GSSAPI = parent.GSSAPI
	}
	return d
}

// replaceable are the parts that a domain may take out of what it inherits from Config.Defaults.
var replaceable = map[string]func(*DomainConfig){
	"bind":         func(d *DomainConfig) { d.Bind = Bind{} },
	"tls":          func(d *DomainConfig) { d.TLS = TLS{} },
	"timeouts":     func(d *DomainConfig) { d.Timeouts = Timeouts{} },
	"pool":         func(d *DomainConfig) { d.Pool = Pool{} },
	"login":        func(d *DomainConfig) { d.Login = Login{} },
	"users":        func(d *DomainConfig) { d.Users = Users{} },
	"users.fields": func(d *DomainConfig) { d.Users.Fields = nil },
	"groups":       func(d *DomainConfig) { d.Groups = Groups{} },
	"sync":         func(d *DomainConfig) { d.Sync = Sync{} },
	"sync.flags":   func(d *DomainConfig) { d.Sync.Flags = nil },
	"sync.implies": func(d *DomainConfig) { d.Sync.Implies = nil },
	"sync.groups":  func(d *DomainConfig) { d.Sync.Groups = nil },
	"extra":        func(d *DomainConfig) { d.Extra = nil },
}

// without returns what a domain inherits that stands alone in the named parts.
func (d DomainConfig) without(parts []string) DomainConfig {
	for _, part := range parts {
		if forget := replaceable[part]; forget != nil {
			forget(&d)
		}
	}
	return d
}

// inherit keeps name and credentials together: the password of one account never goes to another.
func (b Bind) inherit(parent Bind) Bind {
	if b.Method != "" && b.Method != parent.Method {
		return b
	}
	own := !b.Password.IsZero() || b.Keytab != "" || b.CCache != ""
	if b.Name == "" {
		b.Name = parent.Name
		if !own {
			b.Password, b.Keytab, b.CCache = parent.Password, parent.Keytab, parent.CCache
		}
	}
	b.Method = cmp.Or(b.Method, parent.Method)
	b.Realm, b.Krb5Conf = cmp.Or(b.Realm, parent.Realm), cmp.Or(b.Krb5Conf, parent.Krb5Conf)
	b.Service = cmp.Or(b.Service, parent.Service)
	return b
}

func (t TLS) inherit(parent TLS) TLS {
	t.CAFile = cmp.Or(t.CAFile, parent.CAFile)
	t.ServerName = cmp.Or(t.ServerName, parent.ServerName)
	t.MinVersion = cmp.Or(t.MinVersion, parent.MinVersion)
	if t.ClientCert == "" && t.ClientKey == "" {
		t.ClientCert, t.ClientKey = parent.ClientCert, parent.ClientKey
	}
	if t.Password.IsZero() {
		t.Password = parent.Password
	}
	t.Pins = orList(t.Pins, parent.Pins)
	t.LegacyRSA = cmp.Or(t.LegacyRSA, parent.LegacyRSA)
	t.InsecureSkipVerify = cmp.Or(t.InsecureSkipVerify, parent.InsecureSkipVerify)
	return t
}

func (t Timeouts) inherit(parent Timeouts) Timeouts {
	inheritAll(t.durations(), parent.durations())
	return t
}

func (p Pool) inherit(parent Pool) Pool {
	p.MaxOpen = cmp.Or(p.MaxOpen, parent.MaxOpen)
	p.MaxIdle = cmp.Or(p.MaxIdle, parent.MaxIdle)
	p.MinIdle = cmp.Or(p.MinIdle, parent.MinIdle)
	p.MaxUses = cmp.Or(p.MaxUses, parent.MaxUses)
	inheritAll(p.durations(), parent.durations())
	return p
}

// duration is a field of a configuration with its key.
type duration struct {
	key   string
	value *time.Duration
}

// inheritAll fills in what is left open; both lists are of the same struct.
func inheritAll(own, parent []duration) {
	for i, d := range own {
		*d.value = cmp.Or(*d.value, *parent[i].value)
	}
}

func (t *Timeouts) durations() []duration {
	return []duration{
		{"dns", &t.DNS}, {"connect", &t.Connect}, {"tls", &t.TLS}, {"bind", &t.Bind}, {"write", &t.Write}, {"idle", &t.Idle},
		{"operation", &t.Operation}, {"call", &t.Call},
	}
}

func (p *Pool) durations() []duration {
	return []duration{
		{"max_lifetime", &p.MaxLifetime}, {"max_idle_time", &p.MaxIdleTime}, {"probe_after", &p.ProbeAfter},
		{"wait_timeout", &p.WaitTimeout}, {"leak_after", &p.LeakAfter},
	}
}

func orList[T any](list, parent []T) []T {
	if list == nil {
		return parent
	}
	return list
}

// mergeExtra merges nested maps; a key set to nil is left as nil, which an application may read as "leave alone".
func mergeExtra(own, parent map[string]any) map[string]any {
	if len(parent) == 0 {
		return own
	}
	merged := maps.Clone(parent)
	for key, value := range own {
		inner, isMap := value.(map[string]any)
		outer, wasMap := merged[key].(map[string]any)
		if isMap && wasMap {
			value = mergeExtra(inner, outer)
		}
		merged[key] = value
	}
	return merged
}
