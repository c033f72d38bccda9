// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Warning is something about a domain that works and should not stay so. DomainConfig.Silence hides it by its code.
type Warning struct {
	Code string
	Text string
}

func (w Warning) String() string { return w.Code + ": " + w.Text }

// The codes of warnings.
const (
	WarnClearText       = "clear_text"
	WarnInsecureTLS     = "insecure_tls"
	WarnOldTLS          = "old_tls"
	WarnAdminAccount    = "admin_account"
	WarnCertificateEnds = "certificate_ends"
	WarnSecretInFile    = "secret_in_config"
	WarnFileMode        = "file_mode"
	WarnServiceAccount  = "service_account"
	WarnUnknownDomain   = "unknown_domain"
	WarnUnknownGroup    = "unknown_group"
)

var warningCodes = []string{
	WarnClearText, WarnInsecureTLS, WarnOldTLS, WarnAdminAccount, WarnCertificateEnds, WarnSecretInFile, WarnFileMode, WarnServiceAccount,
	WarnUnknownDomain, WarnUnknownGroup,
}

// UnknownDomains warns of stored users whose domain is not configured any more: nobody can sync them or log them in. users
// is how many there are of each stored domain. Nothing is unknown where Config.ServeUnlisted is set.
func (m *Manager) UnknownDomains(users map[string]int) (all []Warning) {
	for _, name := range slices.Sorted(maps.Keys(users)) {
		if _, err := m.Domain(name); err != nil && !slices.Contains(m.silence, WarnUnknownDomain) {
			all = append(all, Warning{WarnUnknownDomain, fmt.Sprintf("%d stored users belong to domain %q, which is not configured", users[name], name)})
		}
	}
	return all
}

// certificateEnds is how long before its end a certificate is warned about.
const certificateEnds = 30 * 24 * time.Hour

// Warnings returns what is worth a warning and not silenced. It reads files, and asks no server.
func (d *Domain) Warnings() []Warning {
	var all []Warning
	add := func(code, format string, args ...any) {
		if !slices.Contains(d.cfg.Silence, code) && !slices.Contains(d.silence, code) {
			all = append(all, Warning{code, fmt.Sprintf(format, args...)})
		}
	}
	if server := d.clearText(); server != "" {
		add(WarnClearText, "passwords and entries cross the network readable on the way to %s; use ldaps:// or starttls", server)
	}
	if isOn(d.cfg.TLS.InsecureSkipVerify) {
		add(WarnInsecureTLS, "certificates are not checked, so that anybody may answer in the place of the server; set tls.ca_file")
	}
	if tlsVersions[d.cfg.TLS.MinVersion] < tlsVersions["1.2"] {
		add(WarnOldTLS, "TLS %s is allowed, which is known to be breakable", d.cfg.TLS.MinVersion)
	}
	accounts := []Bind{d.cfg.Bind}
	if d.cfg.Writer != nil {
		accounts = append(accounts, *d.cfg.Writer)
	}
	for _, b := range accounts {
		if adminAccount(b.Name) {
			add(WarnAdminAccount, "%s is an administrator; an account that may only read what is needed is safer", b.Name)
		}
		if b.Password.Value != "" {
			add(WarnSecretInFile, "the password of %s stands in the configuration; env, file or exec keep it apart", b.Name)
		}
		for _, path := range []string{b.Password.File, b.Keytab, b.CCache} {
			if mode, ok := readableByOthers(path); ok {
				add(WarnFileMode, "everybody on this machine may read %s (mode %04o)", path, mode)
			}
		}
	}
	d.certificateWarnings(add)
	if missing := d.identity.missing.Load(); missing != nil {
		for _, m := range *missing {
			add(WarnUnknownGroup, "%s names the group %s, which the last sync of everybody did not find, not with members", m.path, m.group)
		}
	}
	for _, c := range []*credential{d.account, d.writer} {
		if err := c.state(); err != nil {
			add(WarnServiceAccount, "%v", err)
		}
		if d.account == d.writer {
			break
		}
	}
	return all
}

// clearText returns a server that is reached over a network without encryption, or "".
func (d *Domain) clearText() string {
	if d.startTLS() {
		return ""
	}
	if _, _, secure := srvName(d.cfg.SRV); d.cfg.SRV != "" {
		if secure {
			return ""
		}
		return d.cfg.SRV
	}
	for _, e := range d.fleet.servers() {
		if crossesInClear(e.address) {
			return e.url
		}
	}
	return ""
}

// crossesInClear reports whether a server is reached over a network and not by TLS from the start.
func crossesInClear(a instrument.Address) bool {
	ip := net.ParseIP(a.Host)
	local := a.Network == "unix" || a.Host == "localhost" || ip != nil && ip.IsLoopback()
	return !a.TLS && !local
}

// adminAccount reports whether a bind name looks like the account that may do everything.
func adminAccount(name string) bool {
	name = fold(name)
	_, account, found := strings.Cut(name, `\`)
	if !found {
		account, _, _ = strings.Cut(name, "@")
	}
	if account == "administrator" || account == "admin" {
		return true
	}
	first, _, _ := strings.Cut(strings.ReplaceAll(name, " ", ""), ",")
	return slices.Contains([]string{"cn=administrator", "cn=admin", "cn=manager", "cn=directorymanager", "cn=root"}, first)
}

func readableByOthers(path string) (os.FileMode, bool) {
	info, err := os.Stat(path)
	if err != nil { // also for no path at all
		return 0, false
	}
	mode := info.Mode().Perm()
	return mode, mode&0o004 != 0
}

// certificateWarnings warns of certificates near their end: the servers' as seen, the others as in their files.
func (d *Domain) certificateWarnings(add func(code, format string, args ...any)) {
	now := time.Now()
	for _, e := range d.fleet.servers() {
		h := e.secured.Load()
		if h == nil {
			continue
		}
		if left := h.certificate.NotAfter.Sub(now); left < certificateEnds {
			add(WarnCertificateEnds, "the certificate of %s ends in %d days, on %s", e.address.Address, int(left.Hours()/24), h.certificate.NotAfter.Format(time.DateOnly))
		}
	}
	t := d.cfg.TLS
	if len(t.Password.Exec) > 0 || t.Password.Func != nil {
		return // pages ask often, and a password of this kind may cost something
	}
	// What cannot be read is told when a connection needs it.
	password, _ := t.Password.Read(context.Background(), d.name)
	if t.ClientCert != "" {
		pair, err := readClientCertificate(t.ClientCert, t.ClientKey, password)
		if err == nil && pair.Leaf.NotAfter.Sub(now) < certificateEnds {
			add(WarnCertificateEnds, "the client certificate %s ends on %s", t.ClientCert, pair.Leaf.NotAfter.Format(time.DateOnly))
		}
	}
	if ends, ok := lastEnd(t.CAFile, password); ok && ends.Sub(now) < certificateEnds {
		add(WarnCertificateEnds, "the last certificate of %s ends on %s", t.CAFile, ends.Format(time.DateOnly))
	}
}

// lastEnd is when a file stops being of use: bundles may hold old certificates beside good ones.
func lastEnd(path, password string) (ends time.Time, ok bool) {
	if path == "" {
		return ends, false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return ends, false
	}
	certificates, err := parseCertificates(data, password)
	for _, c := range certificates {
		if c.NotAfter.After(ends) {
			ends = c.NotAfter
		}
	}
	return ends, err == nil
}
