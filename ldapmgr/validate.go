// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// ConfigError is one thing that is wrong with a Config. New returns all of them joined; Problems takes them apart.
type ConfigError struct {
	Path    []string // keys from the top: domains, EXAMPLE, servers, 0
	Problem string   // what is wrong: "is missing"
	Hint    string   // what to do; may be ""
}

func (e *ConfigError) Error() string {
	text := strings.Join(e.Path, ".") + " " + e.Problem
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Problems returns every ConfigError in an error of New.
func Problems(err error) (all []*ConfigError) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, Problems(e)...)
		}
		return all
	}
	var one *ConfigError
	if errors.As(err, &one) {
		all = append(all, one)
	}
	return all
}

// problems collects what is wrong below one path.
type problems struct {
	path []string
	all  *[]error
}

func (p problems) at(keys ...string) problems {
	return problems{append(slices.Clone(p.path), keys...), p.all}
}

func (p problems) add(problem, hint string) {
	*p.all = append(*p.all, &ConfigError{p.path, problem, hint})
}

// validate returns everything that is wrong, in the order of the domains' names.
func (c Config) validate() error {
	var all []error
	p := problems{all: &all}
	if c.Scope == nil {
		p.at("scope").add("is missing", "give the instrument.Scope that sees the operations")
	}
	if len(c.Domains) == 0 {
		p.at("domains").add("is empty", "configure at least one domain")
	}
	taken := map[string]string{}
	names := slices.Sorted(maps.Keys(c.Domains))
	for _, name := range names {
		taken[fold(name)] = name
	}
	for _, name := range names {
		p := p.at("domains", name)
		c.checkNames(p, name, taken)
		checkDomain(p, c.effective(c.Domains[name]))
	}
	if _, ok := taken[fold(c.Default)]; c.Default != "" && !ok {
		p.at("default").add("names no configured domain", "the domains are "+strings.Join(names, ", "))
	}
	checkSilence(p.at("silence"), c.Silence)
	c.checkReferences(p, taken)
	if c.ServeUnlisted && c.Default == "" && len(names) != 1 {
		p.at("serve_unlisted").add("needs to know which domain serves", "set default")
	}
	return errors.Join(all...)
}

// checkNames checks that every name and alias means one domain. taken is what the names mean already, and grows.
func (c Config) checkNames(p problems, name string, taken map[string]string) {
	if name == "" || strings.TrimSpace(name) != name {
		p.add("is no usable name", "a name is not empty and has no space at its ends")
	}
	if taken[fold(name)] != name {
		p.add("is there twice", "names differ in more than upper and lower case")
	}
	for i, alias := range c.Domains[name].Aliases {
		owner, is := taken[fold(alias)]
		switch {
		case alias == "":
			p.at("aliases", strconv.Itoa(i)).add("is empty", "")
		case strings.TrimSpace(alias) != alias:
			p.at("aliases", strconv.Itoa(i)).add("has space at its ends", "nobody writes it so")
		case is && owner != name:
			p.at("aliases", strconv.Itoa(i)).add("also means domain "+owner, "each alias belongs to one domain")
		}
		taken[fold(alias)] = name
	}
}

// checkReferences checks the names of domains in other places than their own.
func (c Config) checkReferences(p problems, taken map[string]string) {
	for i, name := range c.Preload {
		if _, ok := taken[fold(name)]; !ok {
			p.at("preload", strconv.Itoa(i)).add("names no configured domain", "")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Domains)) {
		for i, other := range c.effective(c.Domains[name]).Referrals {
			if _, ok := taken[fold(other)]; !ok {
				p.at("domains", name, "referrals", strconv.Itoa(i)).add("names no configured domain", "referrals lead only where a domain says how to go")
			}
		}
	}
}

func fold(name string) string { return strings.ToLower(name) }

func checkDomain(p problems, d DomainConfig) {
	if _, ok := presets[d.Preset]; d.Preset != "" && !ok {
		p.at("preset").add("is unknown", "presets are "+strings.Join(slices.Sorted(maps.Keys(presets)), ", "))
	}
	checkServers(p, d)
	if d.Base != "" {
		if _, err := ldap.ParseDN(d.Base); err != nil {
			p.at("base").add("is no DN", "write it like dc=example,dc=org")
		}
	}
	checkBind(p.at("bind"), d.Bind, d)
	if d.Writer != nil {
		checkBind(p.at("writer"), *d.Writer, d)
		if !isOff(d.ReadOnly) {
			p.at("writer").add("is of no use in a read-only domain", "set read_only to false or remove writer")
		}
	}
	checkTLS(p.at("tls"), d.TLS)
	for _, f := range d.Timeouts.durations() {
		if *f.value < 0 {
			p.at("timeouts", f.key).add("is negative", "leave it out for the default")
		}
	}
	checkPool(p.at("pool"), d.Pool)
	checkIdentity(p, d)
	checkSilence(p.at("silence"), d.Silence)
	for i, part := range d.Replace {
		if replaceable[part] == nil {
			p.at("replace", strconv.Itoa(i)).add("is no part that can be replaced", "parts are "+strings.Join(slices.Sorted(maps.Keys(replaceable)), ", "))
		}
	}
}

func checkSilence(p problems, codes []string) {
	for i, code := range codes {
		if !slices.Contains(warningCodes, code) {
			p.at(strconv.Itoa(i)).add("is no code of a warning", "codes are "+strings.Join(warningCodes, ", "))
		}
	}
}

func checkServers(p problems, d DomainConfig) {
	if len(d.Servers) == 0 && d.SRV == "" {
		p.at("servers").add("is missing", "list URLs such as ldaps://dc1.example.org, or set srv")
	}
	if len(d.Servers) > 0 && d.SRV != "" {
		p.at("srv").add("contradicts servers", "list servers or look them up, not both")
	}
	starttls := isOn(d.StartTLS)
	if _, _, tls := srvName(d.SRV); d.SRV != "" && tls && starttls {
		p.at("starttls").add("contradicts srv, which already encrypts from the start", "write the name without ldaps://, or turn starttls off")
	} else if d.SRV != "" && !tls && !starttls {
		checkClearText(p.at("srv"), d)
	}
	for i, server := range d.Servers {
		p := p.at("servers", strconv.Itoa(i))
		address, err := instrument.ParseURL(server)
		switch {
		case err != nil:
			p.add("is no LDAP server: "+err.Error(), "")
		case address.TLS && starttls:
			p.add("is ldaps and contradicts starttls", "write ldap:// to encrypt with StartTLS, or turn starttls off")
		case address.Network == "unix" && starttls:
			p.add("is a local socket and contradicts starttls", "turn starttls off")
		case slices.Contains(d.Servers[:i], server):
			p.add("is there twice", "")
		case !starttls && crossesInClear(address):
			checkClearText(p, d)
		}
	}
}

// checkClearText refuses to go without TLS where somebody said how its certificates are to be checked. An application that opens
// sockets itself may have a tunnel.
func checkClearText(p problems, d DomainConfig) {
	t := d.TLS
	if d.Dial != nil {
		return
	}
	for _, s := range []struct {
		key string
		set bool
	}{{"ca_file", t.CAFile != ""}, {"pins", len(t.Pins) > 0}, {"client_cert", t.ClientCert != ""}} {
		if s.set {
			p.add("is not encrypted, and contradicts tls."+s.key, "write ldaps://, or set starttls, or leave the settings of tls out")
			return
		}
	}
}

func checkTLS(p problems, t TLS) {
	if _, ok := tlsVersions[t.MinVersion]; !ok {
		p.at("min_version").add(fmt.Sprintf("%q is unknown", t.MinVersion), "versions are 1.0, 1.1, 1.2 and 1.3")
	}
	if t.ClientKey != "" && t.ClientCert == "" {
		p.at("client_key").add("has no certificate", "set client_cert")
	}
	if sources := t.Password.sources(); len(sources) > 1 {
		p.at("password").add("has more than one source: "+strings.Join(sources, ", "), "keep one")
	} else if len(sources) == 1 && t.CAFile == "" && t.ClientCert == "" {
		p.at("password").add("is of no use without a file", "set ca_file or client_cert")
	}
	for i, pin := range t.Pins {
		if _, err := parsePin(pin); err != nil {
			p.at("pins", strconv.Itoa(i)).add("is no SHA-256 fingerprint", "write 64 hexadecimal digits, colons allowed")
		}
	}
	if isOn(t.InsecureSkipVerify) && (t.CAFile != "" || len(t.Pins) > 0) {
		p.at("insecure_skip_verify").add("contradicts ca_file and pins", "remove it: the certificate is then checked")
	}
}

func checkPool(p problems, o Pool) {
	for _, n := range []struct {
		key   string
		value int
	}{{"max_open", o.MaxOpen}, {"max_idle", o.MaxIdle}, {"min_idle", o.MinIdle}, {"max_uses", o.MaxUses}} {
		if n.value < 0 {
			p.at(n.key).add("is negative", "leave it out for the default")
		}
	}
	if o.MaxOpen >= 0 && o.MaxIdle >= 0 && o.MinIdle > o.MaxIdle {
		p.at("min_idle").add(fmt.Sprintf("is more than max_idle, which is %d", o.MaxIdle), "")
	}
	for _, f := range o.durations() {
		if *f.value < 0 {
			p.at(f.key).add("is negative", "leave it out for the default")
		}
	}
}
