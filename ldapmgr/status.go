// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// Status is the state of one domain at one instant, for people.
type Status struct {
	Name           string
	Aliases        []string
	Endpoints      []EndpointStatus
	Security       string // none, tls or start_tls as instrument.Security; of the servers together the weakest
	BindMethod     string
	BindName       string
	ReadOnly       bool
	BlockedChanges uint64 // changes that were kept back
	Leaks          uint64 // connections that were reported as held for too long
	Vendor         string // "" until a connection was made
	NamingContexts []string
	Pool           instrument.PoolStats
	Faults         []FaultStatus // what went wrong lately, the newest first
	Warnings       []string      // each begins with its code: "clear_text: ..."
}

// EndpointStatus is the state of one server.
type EndpointStatus struct {
	URL    string
	State  EndpointState
	Reason string // why it is down or spared, in plain words; "" when all is well
	Since  time.Time
	TLS    *TLSFacts // of the last handshake; nil before the first and without TLS
}

// Status returns the state of the domain. It asks no server.
func (d *Domain) Status() Status {
	s := Status{
		Name: d.name, Aliases: d.cfg.Aliases, Security: d.security(), BindMethod: d.cfg.Bind.Method, BindName: d.cfg.Bind.Name,
		ReadOnly: d.ReadOnly(), BlockedChanges: d.blocked.Load(), Leaks: d.leaks.Load(), Pool: d.poolStats(),
	}
	for _, e := range d.fleet.servers() {
		status := e.status()
		status.TLS = e.secured.Load().facts(d.cfg.TLS.verification())
		s.Endpoints = append(s.Endpoints, status)
	}
	s.Faults = d.faults.list()
	if root := d.root.Load(); root != nil {
		s.Vendor, s.NamingContexts = root.Vendor, root.NamingContexts
	}
	for _, w := range d.Warnings() {
		s.Warnings = append(s.Warnings, w.String())
	}
	return s
}

// security returns how connections are protected. A local socket counts as protected.
func (d *Domain) security() string {
	if d.startTLS() {
		return instrument.SecurityStartTLS.String()
	}
	_, _, secure := srvName(d.cfg.SRV)
	if d.cfg.SRV != "" && !secure {
		return instrument.SecurityNone.String()
	}
	for _, e := range d.fleet.servers() {
		if !e.address.TLS && e.address.Network == "tcp" {
			return instrument.SecurityNone.String()
		}
	}
	return instrument.SecurityTLS.String()
}
