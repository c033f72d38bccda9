// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// noConnection is the code of a warning about a server that --connect did not reach.
const noConnection = "no_connection"

// connectBudget bounds the connecting of --connect.
const connectBudget = 20 * time.Second

// reached is one server that config check --connect has tried.
type reached struct {
	Domain  string `json:"domain"`
	URL     string `json:"url"`
	Reached bool   `json:"reached"`
	Error   string `json:"error,omitempty"` // why not
	*secured
}

// secured is what a handshake told; nil without TLS and where there was none.
type secured struct {
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

// connect tries every server of all domains at the same time, so that one that lets wait takes no time from the others. The
// warnings are about those that were not reached.
func connect(ctx context.Context, m *ldapmgr.Manager) (servers []reached, warnings []warned) {
	ctx, cancel := context.WithTimeout(ctx, connectBudget)
	defer cancel()
	domains := m.Domains()
	found, failed := make([][]ldapmgr.Checked, len(domains)), make([]error, len(domains))
	var done sync.WaitGroup
	for i, d := range domains {
		done.Go(func() { found[i], failed[i] = d.Check(ctx) })
	}
	done.Wait()
	servers, warnings = []reached{}, []warned{}
	for i, d := range domains {
		if failed[i] != nil {
			warnings = append(warnings, warned{d.Name(), noConnection, ldapmgr.Reason(failed[i])})
		}
		for _, s := range found[i] {
			servers = append(servers, reached{d.Name(), s.URL, s.Err == nil, ldapmgr.Reason(s.Err), securedBy(s.TLS)})
			if s.Err != nil {
				warnings = append(warnings, warned{d.Name(), noConnection, s.URL + ": " + ldapmgr.Reason(s.Err)})
			}
		}
	}
	return servers, warnings
}

func securedBy(f *ldapmgr.TLSFacts) *secured {
	if f == nil {
		return nil
	}
	return &secured{f.Version, f.Cipher, string(f.Verification), f.Subject, f.Issuer, f.Names, f.Expires, f.DaysLeft(time.Now()), f.Fingerprint}
}

// missingConnections ends a check that did not reach everything. The warnings have the reasons.
type missingConnections struct {
	domains []string // with no server that was reached
	partly  []string // such as "1 of 2 servers of LAB"
}

func (m missingConnections) Error() string {
	return "no connection to " + strings.Join(slices.Concat(m.domains, m.partly), ", ")
}

func (m missingConnections) what() string {
	if len(m.domains) > 0 {
		return "domain"
	}
	return "server"
}

// connected returns missingConnections where there are any.
func connected(servers []reached, warnings []warned) error {
	var missing missingConnections
	seen := map[string]bool{}
	for _, w := range warnings {
		if w.Code != noConnection || seen[w.Domain] {
			continue
		}
		seen[w.Domain] = true
		all, unreached := 0, 0
		for _, s := range servers {
			if s.Domain == w.Domain {
				all++
				if !s.Reached {
					unreached++
				}
			}
		}
		if unreached == all {
			missing.domains = append(missing.domains, w.Domain)
		} else {
			missing.partly = append(missing.partly, fmt.Sprintf("%d of %d servers of %s", unreached, all, w.Domain))
		}
	}
	if len(seen) == 0 {
		return nil
	}
	return missing
}

// verifications say how a certificate was checked.
var verifications = map[string]string{
	string(ldapmgr.VerifiedBySystem): "checked against the system's authorities", string(ldapmgr.VerifiedByFile): "checked against ca_file",
	string(ldapmgr.VerifiedByPin): "checked by its pin", string(ldapmgr.NotVerified): "NOT CHECKED",
}

// printServers writes a block for each server. What stands in a certificate, the server wrote.
func printServers(to io.Writer, servers []reached) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, s := range servers {
		fmt.Fprintf(w, "\nserver %s %s\n", s.Domain, s.URL)
		lines := [][2]string{{"connection", "made"}}
		if !s.Reached {
			lines[0][1] = "none: " + s.Error
		}
		if t := s.secured; t != nil {
			lines = append(lines, [][2]string{
				{"encryption", t.Version + ", " + t.Cipher},
				{"certificate", strings.TrimSpace(t.Subject + ", " + verifications[t.Verification])},
				{"names", strings.Join(t.Names, ", ")},
				{"issuer", t.Issuer},
				{"ends", fmt.Sprintf("%s, in %d days", t.Expires.Format(time.DateOnly), t.DaysLeft)},
				{"sha256", t.Fingerprint},
			}...)
		}
		for _, line := range lines {
			fmt.Fprintf(w, "  %s\t%s\n", line[0], printable(line[1]))
		}
	}
	return w.Flush()
}
