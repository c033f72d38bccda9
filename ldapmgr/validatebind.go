// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

func checkBind(p problems, b Bind, d DomainConfig) {
	sources := b.Password.sources()
	if len(sources) > 1 {
		p.at("password").add("has more than one source: "+strings.Join(sources, ", "), "keep one")
	}
	if b.Method != BindGSSAPI {
		checkNoKerberos(p, b)
	}
	switch b.Method {
	case BindSimple, BindNTLM:
		if b.Name == "" {
			p.at("name").add("is missing", "give the service account as DN, user@domain or DOMAIN\\user, or set method: anonymous")
		} else if domain, account, _ := strings.Cut(b.Name, `\`); b.Method == BindNTLM && (domain == "" || account == "") {
			p.at("name").add("is not what NTLM takes", "write it like DOMAIN\\user")
		}
		if len(sources) == 0 {
			p.at("password").add("is missing", "give value, env, file or exec")
		}
	case BindAnonymous:
		if b.Name != "" || len(sources) > 0 {
			p.at("method").add("is anonymous and contradicts name and password", "remove them or write simple")
		}
	case BindExternal:
		if len(sources) > 0 {
			p.at("password").add("is of no use with method external", "remove it")
		}
		local := slices.ContainsFunc(d.Servers, func(s string) bool { return strings.HasPrefix(s, "ldapi:") })
		if !local && d.TLS.ClientCert == "" {
			p.at("method").add("is external, which needs a client certificate or an ldapi:// server", "set tls.client_cert")
		}
	case BindGSSAPI:
		checkKerberos(p, b, d, len(sources))
	default:
		p.at("method").add(fmt.Sprintf("%q is unknown", b.Method), "methods are simple, anonymous, external, ntlm and gssapi")
	}
}

// checkNoKerberos refuses what would be passed over silently.
func checkNoKerberos(p problems, b Bind) {
	for _, f := range []struct{ key, value string }{{"keytab", b.Keytab}, {"ccache", b.CCache}} {
		if f.value != "" {
			p.at(f.key).add("is of no use with method "+b.Method, "write method: gssapi for Kerberos")
		}
	}
}

func checkKerberos(p problems, b Bind, d DomainConfig, passwords int) {
	if d.GSSAPI == nil {
		p.at("method").add("is gssapi, and the program has no Kerberos in it", "set GSSAPI: kerberos.New of package ldapmgr/kerberos")
	}
	for _, used := range []bool{b.Keytab != "", b.CCache != ""} {
		if used {
			passwords++
		}
	}
	switch {
	case passwords == 0:
		p.add("has no credentials for Kerberos", "give keytab, ccache or password")
	case passwords > 1:
		p.add("has more than one of keytab, ccache and password", "keep one")
	}
	if b.Name == "" && b.CCache == "" {
		p.at("name").add("is missing", "give the principal, such as ldapscope@EXAMPLE.ORG")
	}
	if b.Service != "" && !strings.Contains(b.Service, "/") {
		p.at("service").add("is no principal of a service", "write it like ldap/dc1.example.org")
	}
	named := d.TLS.ServerName != "" || b.Service != ""
	for _, server := range d.Servers {
		if address, err := instrument.ParseURL(server); err == nil && !named && net.ParseIP(address.Host) != nil {
			p.at("service").add("is missing: Kerberos knows a server by its name and not as "+address.Host,
				"write it like ldap/dc1.example.org, or name the server in its URL")
		}
	}
}
