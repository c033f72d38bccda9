// SPDX-License-Identifier: MIT

package ldaptest

import (
	"fmt"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// locate finds the entry that a request names, or the answer when there is none: with the nearest entry above, or with a
// referral that lies on the way or at the name itself. The caller holds the lock.
func (o *operation) locate(name dn) (*node, *wire.Reply) {
	d := o.dir
	n := d.tree.byKey[name.key()]
	near := n
	if near == nil {
		near = d.tree.nearest(name)
	}
	if !o.controls.manageDsaIT && d.hasReferrals() {
		for up := near; up != nil; up = up.parent {
			if up.entry.has(d.known.referral) {
				return nil, &wire.Reply{Code: codeReferral, MatchedDN: up.entry.text, Referrals: d.referTo(up.entry, name)}
			}
		}
	}
	if n != nil {
		return n, nil
	}
	if d.cfg.Profile == ActiveDirectory && !name.under(d.suffix) {
		return nil, d.elsewhere(name)
	}
	return nil, d.noSuchObject(near)
}

// elsewhere is what Active Directory says to names that are not its own: ask the domain that they stand for.
func (d *Directory) elsewhere(name dn) *wire.Reply {
	host := dnsName(name)
	return &wire.Reply{
		Code: codeReferral, Diagnostic: fmt.Sprintf("0000202B: RefErr: DSID-0310084A, data 0, 1 access points\n\tref 1: '%s'\n\x00", host),
		Referrals: []string{"ldap://" + host + "/" + d.schema.format(name)},
	}
}

func (d *Directory) noSuchObject(near *node) *wire.Reply {
	r := &wire.Reply{Code: codeNoSuchObject}
	if near != nil {
		r.MatchedDN = near.entry.text
	}
	if d.cfg.Profile == ActiveDirectory {
		r.Diagnostic = fmt.Sprintf("0000208D: NameErr: DSID-03100288, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'%s'\n\x00", r.MatchedDN)
	}
	return r
}

func (d *Directory) badDN() *wire.Reply {
	if d.cfg.Profile == ActiveDirectory {
		return &wire.Reply{Code: codeInvalidDN, Diagnostic: "0000208F: NameErr: DSID-03100231, problem 2006 (BAD_NAME), data 8350, best match of:\n\t''\n\x00"}
	}
	return &wire.Reply{Code: codeInvalidDN, Diagnostic: "invalid DN"}
}

func (d *Directory) mustBind() *wire.Reply {
	return &wire.Reply{Code: codeOperationsError, Diagnostic: "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v4563\x00"}
}

func (d *Directory) badCookie() wire.Reply {
	if d.cfg.Profile == ActiveDirectory {
		return wire.Reply{Code: codeUnwilling, Diagnostic: "00000057: LdapErr: DSID-0C09066D, comment: Error processing control, data 0, v4563\x00"}
	}
	return wire.Reply{Code: codeProtocolError, Diagnostic: "paged results cookie is invalid"}
}

// hasReferrals reports whether any entry is a referral object (RFC 3296).
func (d *Directory) hasReferrals() bool {
	return d.known.referral != nil && len(d.tree.index[d.known.objectClass][d.known.referral.oid]) > 0
}

// isReferral reports whether a search meets the entry as a continuation, whatever its filter.
func (d *Directory) isReferral(o *operation, e *entry) bool {
	return !o.controls.manageDsaIT && d.hasReferrals() && e.has(d.known.referral)
}

// continuations returns the URIs of a referral object as a search result reference carries them.
func (d *Directory) continuations(e *entry, q *query) []string {
	scope := "sub"
	if q.Scope == scopeOne {
		scope = "base"
	}
	var uris []string
	for _, uri := range d.refs(e) {
		if host := strings.Index(uri, "://"); host >= 0 && !strings.Contains(uri[host+3:], "/") {
			uri += "/" + e.text
		}
		uris = append(uris, uri+"??"+scope)
	}
	return uris
}

// sendPartitions adds the references that every search below the root of an Active Directory domain ends with: to the
// partitions that lie there by name and are held apart.
func (o *operation) sendPartitions(q *query) {
	d := o.dir
	if d.cfg.Profile != ActiveDirectory || !d.cfg.Partitions || o.controls.domainScope || q.Scope == scopeBase || q.Scope == scopeOne || q.base.key() != d.suffix.key() {
		return
	}
	domain := dnsName(d.suffix)
	for _, uri := range []string{
		"ldap://ForestDnsZones." + domain + "/DC=ForestDnsZones," + d.Suffix(),
		"ldap://DomainDnsZones." + domain + "/DC=DomainDnsZones," + d.Suffix(),
		"ldap://" + domain + "/CN=Configuration," + d.Suffix(),
	} {
		if !o.send(func(e *wire.Encoder) { e.Reference(uri) }) {
			return
		}
	}
}

// referTo returns the URIs that answer a request for name, which is the referral object e or lies below it.
func (d *Directory) referTo(e *entry, name dn) []string {
	below := name.rdns[:max(0, len(name.rdns)-len(e.name.rdns))]
	var uris []string
	for _, uri := range d.refs(e) {
		host := strings.Index(uri, "://")
		if host < 0 {
			continue
		}
		server, target, found := strings.Cut(uri[host+3:], "/")
		if !found || target == "" {
			target = e.text
		}
		if len(below) > 0 {
			target = d.schema.format(dn{below}) + "," + target
		}
		uris = append(uris, uri[:host+3]+server+"/"+target)
	}
	return uris
}

func (d *Directory) refs(e *entry) []string {
	a := e.find(d.known.ref, "")
	if a == nil {
		return nil
	}
	uris := make([]string, len(a.values))
	for i, v := range a.values {
		uris[i] = string(v)
	}
	return uris
}
