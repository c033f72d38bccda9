// SPDX-License-Identifier: MIT

package ldaptest

import (
	"slices"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// OIDs of the controls beside those that wire names.
const (
	oidManageDsaIT       = "2.16.840.1.113730.3.4.2"    // RFC 3296
	oidAssertion         = "1.3.6.1.1.12"               // RFC 4528
	oidPreRead           = "1.3.6.1.1.13.1"             // RFC 4527
	oidPostRead          = "1.3.6.1.1.13.2"             // RFC 4527
	oidSessionTracking   = "1.3.6.1.4.1.21008.108.63.1" // draft-wahl-ldap-session
	oidPermissiveModify  = "1.2.840.113556.1.4.1413"    // MS-ADTS 3.1.1.3.4.1.8
	oidTreeDelete        = "1.2.840.113556.1.4.805"     // MS-ADTS 3.1.1.3.4.1.15
	oidDomainScope       = "1.2.840.113556.1.4.1339"    // MS-ADTS 3.1.1.3.4.1.4
	oidSearchOptions     = "1.2.840.113556.1.4.1340"    // MS-ADTS 3.1.1.3.4.1.12
	oidShowDeleted       = "1.2.840.113556.1.4.417"     // MS-ADTS 3.1.1.3.4.1.14
	oidSDFlags           = "1.2.840.113556.1.4.801"     // MS-ADTS 3.1.1.3.4.1.11
	oidLazyCommit        = "1.2.840.113556.1.4.619"     // MS-ADTS 3.1.1.3.4.1.7
	oidCorrelationID     = "1.2.840.113556.1.4.2330"    // MS-ADTS 3.1.1.3.4.1.35
	oidPasswordPolicy    = "1.3.6.1.4.1.42.2.27.8.5.1"  // draft-behera-ldap-password-policy
	oidFeatureAllOp      = "1.3.6.1.4.1.4203.1.5.1"     // RFC 3673
	oidFeatureByClass    = "1.3.6.1.4.1.4203.1.5.2"     // RFC 4529
	oidFeatureTrueFalse  = "1.3.6.1.4.1.4203.1.5.3"     // RFC 4526
	oidFeatureIncrement  = "1.3.6.1.1.14"               // RFC 4525
	oidCancel            = "1.3.6.1.1.8"                // RFC 3909
	oidCapActiveDir      = "1.2.840.113556.1.4.800"     // MS-ADTS 3.1.1.3.4.3.1
	oidCapIntegration    = "1.2.840.113556.1.4.1791"    // MS-ADTS 3.1.1.3.4.3.2
	oidCapV51            = "1.2.840.113556.1.4.1670"    // MS-ADTS 3.1.1.3.4.3.4
	oidCapV60            = "1.2.840.113556.1.4.1935"    // MS-ADTS 3.1.1.3.4.3.5
	oidCapV61R2          = "1.2.840.113556.1.4.2080"    // MS-ADTS 3.1.1.3.4.3.7
	oidCapW8             = "1.2.840.113556.1.4.2237"    // MS-ADTS 3.1.1.3.4.3.8
	oidAttributeAll      = "*"
	oidAttributeNone     = "1.1"
	oidAttributeAllOpern = "+"
)

// controlUse says where a control makes sense.
type controlUse struct {
	oid string
	ops []wire.Op // nil: every operation
}

var searchOnly = []wire.Op{wire.SearchRequest}

var openLDAPControls = []controlUse{
	{oidManageDsaIT, nil},
	{wire.OIDPaging, searchOnly},
	{wire.OIDSortRequest, searchOnly},
	{oidAssertion, []wire.Op{wire.SearchRequest, wire.CompareRequest, wire.ModifyRequest, wire.DelRequest, wire.ModifyDNRequest}},
	{oidPreRead, []wire.Op{wire.ModifyRequest, wire.DelRequest, wire.ModifyDNRequest}},
	{oidPostRead, []wire.Op{wire.AddRequest, wire.ModifyRequest, wire.ModifyDNRequest}},
	{oidPasswordPolicy, nil},
	{oidSessionTracking, nil},
}

var activeDirectoryControls = []controlUse{
	{wire.OIDPaging, nil}, {wire.OIDSortRequest, nil}, {oidPermissiveModify, nil}, {oidTreeDelete, nil}, {oidDomainScope, nil},
	{oidSearchOptions, nil}, {oidShowDeleted, nil}, {oidSDFlags, nil}, {oidLazyCommit, nil}, {oidCorrelationID, nil},
}

func (d *Directory) supportedControls() []controlUse {
	if d.cfg.Profile == ActiveDirectory {
		return activeDirectoryControls
	}
	return openLDAPControls
}

// requestControls are the controls of one request, read.
type requestControls struct {
	paging       bool
	pageSize     int64
	pageCookie   []byte
	sort         []sortKey
	sortProblem  *sortProblem
	manageDsaIT  bool
	domainScope  bool
	permissive   bool
	treeDelete   bool
	assertion    *filter
	preRead      *selection
	postRead     *selection
	sortCritical bool
}

// readControls reads the controls of the request and returns the answer when one of them stops it.
func (o *operation) readControls() *wire.Reply {
	if !o.message.HasControls() {
		return nil
	}
	var problem *wire.Reply
	var seen []string
	err := o.message.Controls(func(c wire.Control) bool {
		use := slices.IndexFunc(o.dir.supportedControls(), func(u controlUse) bool { return u.oid == c.OID })
		fits := use >= 0
		if fits {
			ops := o.dir.supportedControls()[use].ops
			fits = ops == nil || slices.Contains(ops, o.message.Op)
		}
		switch {
		case !fits && c.Critical:
			problem = &wire.Reply{Code: codeCriticalExtension, Diagnostic: o.dir.criticalText(use >= 0)}
		case !fits:
		case slices.Contains(seen, c.OID):
			problem = &wire.Reply{Code: codeProtocolError, Diagnostic: "a control is given more than once"}
		default:
			seen = append(seen, c.OID)
			problem = o.readControl(c)
		}
		return problem == nil
	})
	if err != nil {
		return &wire.Reply{Code: codeProtocolError, Diagnostic: "controls cannot be decoded"}
	}
	return problem
}

func (d *Directory) criticalText(known bool) string {
	switch {
	case d.cfg.Profile == ActiveDirectory:
		return "00000057: LdapErr: DSID-0C090A7D, comment: Error processing control, data 0, v4563\x00"
	case known:
		return "critical control unavailable in context"
	}
	return "critical extension is not recognized"
}

func (o *operation) readControl(c wire.Control) *wire.Reply {
	malformed := &wire.Reply{Code: codeProtocolError, Diagnostic: "a control value cannot be decoded"}
	r := &o.controls
	switch c.OID {
	case oidManageDsaIT:
		r.manageDsaIT = true
	case oidDomainScope:
		r.domainScope = true
	case oidPermissiveModify:
		r.permissive = true
	case oidTreeDelete:
		r.treeDelete = true
	case wire.OIDPaging:
		var err error
		if r.pageSize, r.pageCookie, err = wire.ParsePaging(c.Value); err != nil || r.pageSize < 0 {
			return malformed
		}
		r.paging = true
	case wire.OIDSortRequest:
		var ok bool
		if r.sort, r.sortProblem, ok = o.dir.readSortKeys(c.Value); !ok {
			return malformed
		}
		r.sortCritical = c.Critical
	case oidAssertion:
		parsed, err := wire.ParseFilter(c.Value)
		if err != nil {
			return malformed
		}
		compiled := o.dir.schema.compile(parsed)
		r.assertion = &compiled
	case oidPreRead, oidPostRead:
		names, ok := readStrings(c.Value)
		if !ok {
			return malformed
		}
		chosen := o.dir.schema.choose(names, false)
		if c.OID == oidPreRead {
			r.preRead = &chosen
		} else {
			r.postRead = &chosen
		}
	}
	return nil
}

// asserted checks the assertion control (RFC 4528) against the entry; the caller holds the tree's lock.
func (o *operation) asserted(e *entry) bool {
	return o.controls.assertion == nil || o.dir.match(o.controls.assertion, e) == yes
}
