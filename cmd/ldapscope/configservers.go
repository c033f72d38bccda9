// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// reached is one server that config check --connect has reached with TLS.
type reached struct {
	Domain       string    `json:"domain"`
	URL          string    `json:"url"`
	Version      string    `json:"tls_version"`
	Cipher       string    `json:"cipher"`
	Verification string    `json:"verification"` // system, ca_file, pinned or insecure
	Subject      string    `json:"subject"`
	Issuer       string    `json:"issuer"`
	Names        []string  `json:"names"`
	Expires      time.Time `json:"expires"`
	DaysLeft     int       `json:"days_left"`
	Fingerprint  string    `json:"sha256"`
}

// reachedServers lists the servers of all domains with which a handshake was made.
func reachedServers(m *ldapmgr.Manager) []reached {
	all := []reached{}
	for _, domain := range m.Statuses() {
		for _, e := range domain.Endpoints {
			if f := e.TLS; f != nil {
				all = append(all, reached{domain.Name, e.URL, f.Version, f.Cipher, string(f.Verification), f.Subject, f.Issuer, f.Names, f.Expires, f.DaysLeft(time.Now()), f.Fingerprint})
			}
		}
	}
	return all
}

// verifications say how a certificate was checked.
var verifications = map[string]string{
	string(ldapmgr.VerifiedBySystem): "checked against the system's authorities", string(ldapmgr.VerifiedByFile): "checked against ca_file",
	string(ldapmgr.VerifiedByPin): "checked by its pin", string(ldapmgr.NotVerified): "NOT CHECKED",
}

// printReached writes a block for each server. What stands in a certificate, the server wrote.
func printReached(to io.Writer, servers []reached) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, s := range servers {
		fmt.Fprintf(w, "\nserver %s %s\n", s.Domain, s.URL)
		for _, line := range [][2]string{
			{"encryption", s.Version + ", " + s.Cipher},
			{"certificate", strings.TrimSpace(s.Subject + ", " + verifications[s.Verification])},
			{"names", strings.Join(s.Names, ", ")},
			{"issuer", s.Issuer},
			{"ends", fmt.Sprintf("%s, in %d days", s.Expires.Format(time.DateOnly), s.DaysLeft)},
			{"sha256", s.Fingerprint},
		} {
			fmt.Fprintf(w, "  %s\t%s\n", line[0], printable(line[1]))
		}
	}
	return w.Flush()
}
