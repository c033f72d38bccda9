// SPDX-License-Identifier: MIT

package ldaptest

import (
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// special answers searches on the entries outside the tree: the root DSE and the subschema.
func (o *operation) special(q *query) (found, bool) {
	d := o.dir
	if q.base.empty() && q.Scope != scopeBase && d.cfg.Profile == OpenLDAP {
		return found{}, false
	}
	e, ok := d.specialEntry(q.base)
	if d.cfg.Profile == OpenLDAP && q.base.empty() {
		if _, known := o.conn.outside(); known {
			d.set(e, "supportedSASLMechanisms", mechanismExternal)
		}
	}
	if d.cfg.Profile == ActiveDirectory && q.base.empty() {
		q.sel.operational = q.sel.user // here Active Directory makes no difference
	}
	return found{entry: e}, ok
}

func (d *Directory) specialEntry(name dn) (*entry, bool) {
	switch {
	case name.empty() && d.cfg.Profile == ActiveDirectory:
		return d.rootAD(), true
	case name.empty():
		return d.rootOpenLDAP(), true
	case name.key() == d.subschemaName().key():
		return d.subschemaEntry(), true
	}
	return nil, false
}

// rootEntry builds an entry from names and values; what the schema does not know is left out.
func (d *Directory) rootEntry(attributes [][]string) *entry {
	e := &entry{}
	for _, a := range attributes {
		if len(a) > 1 {
			d.set(e, a[0], a[1:]...)
		}
	}
	d.schema.resolveClasses(e)
	return e
}

func (d *Directory) rootOpenLDAP() *entry {
	controls := []string{"supportedControl"}
	for _, c := range d.supportedControls() {
		controls = append(controls, c.oid)
	}
	extensions := []string{"supportedExtension", wire.OIDPasswd, wire.OIDWhoAmI, oidCancel}
	if d.cfg.TLS != nil {
		extensions = append(extensions, wire.OIDStartTLS)
	}
	return d.rootEntry([][]string{
		{"objectClass", "top", "OpenLDAProotDSE"},
		{"structuralObjectClass", "OpenLDAProotDSE"},
		{"namingContexts", d.Suffix()},
		controls,
		extensions,
		{"supportedFeatures", oidFeatureIncrement, oidFeatureAllOp, oidFeatureByClass, oidFeatureTrueFalse},
		{"supportedLDAPVersion", "3"},
		{"vendorName", "ldapscope"},
		{"entryDN", ""},
		{"subschemaSubentry", d.subschemaDN()},
	})
}

func (d *Directory) rootAD() *entry {
	suffix, host := d.Suffix(), "dc1"
	domain := dnsName(d.suffix)
	config := "CN=Configuration," + suffix
	controls := []string{"supportedControl"}
	for _, c := range d.supportedControls() {
		controls = append(controls, c.oid)
	}
	extensions := []string{"supportedExtension", wire.OIDWhoAmI}
	if d.cfg.TLS != nil {
		extensions = append(extensions, wire.OIDStartTLS)
	}
	return d.rootEntry([][]string{
		{"currentTime", d.cfg.Now().UTC().Format(timeFormat) + ".0Z"},
		{"subschemaSubentry", d.subschemaDN()},
		{"dsServiceName", "CN=NTDS Settings,CN=" + strings.ToUpper(host) + ",CN=Servers,CN=Default-First-Site-Name,CN=Sites," + config},
		{"namingContexts", suffix},
		{"defaultNamingContext", suffix},
		{"schemaNamingContext", "CN=Schema," + config},
		{"configurationNamingContext", config},
		{"rootDomainNamingContext", suffix},
		controls,
		{"supportedLDAPVersion", "3", "2"},
		{"supportedLDAPPolicies", "MaxPageSize", "MaxQueryDuration", "MaxValRange", "MaxConnIdleTime", "MaxResultSetSize"},
		{"highestCommittedUSN", itoa(d.committedUSN())},
		{"dnsHostName", host + "." + domain},
		{"ldapServiceName", domain + ":" + host + "$@" + strings.ToUpper(domain)},
		{"serverName", "CN=" + strings.ToUpper(host) + ",CN=Servers,CN=Default-First-Site-Name,CN=Sites," + config},
		{"supportedCapabilities", oidCapActiveDir, oidCapV51, oidCapIntegration, oidCapV60, oidCapV61R2, oidCapW8},
		extensions,
		{"isSynchronized", "TRUE"},
		{"isGlobalCatalogReady", "TRUE"},
		{"domainFunctionality", "7"},
		{"forestFunctionality", "7"},
		{"domainControllerFunctionality", "7"},
	})
}

func (d *Directory) committedUSN() int64 {
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	return int64(d.tree.usn)
}

func (d *Directory) subschemaDN() string {
	if d.cfg.Profile == ActiveDirectory {
		return "CN=Aggregate,CN=Schema,CN=Configuration," + d.Suffix()
	}
	return "cn=Subschema"
}

func (d *Directory) subschemaName() dn {
	name, _ := d.schema.parseDN(d.subschemaDN()) // made of known types
	return name
}

func (d *Directory) subschemaEntry() *entry {
	attributes := [][]string{{"objectClass", "top", "subentry", "subschema", "extensibleObject"}, {"cn", "Subschema"}}
	if d.cfg.Profile == ActiveDirectory {
		attributes = [][]string{{"objectClass", "top", "subSchema"}, {"cn", "Aggregate"}}
	}
	types, classes := []string{"attributeTypes"}, []string{"objectClasses"}
	for _, t := range d.schema.types {
		types = append(types, t.definition)
	}
	for _, c := range d.schema.kinds {
		classes = append(classes, c.definition)
	}
	rules := []string{"matchingRules"}
	for oid, r := range matchingRules {
		if oid == r.oid {
			rules = append(rules, "( "+r.oid+" NAME '"+r.name+"' SYNTAX "+r.syntax+" )")
		}
	}
	e := d.rootEntry(append(attributes, types, classes, rules, []string{"subschemaSubentry", d.subschemaDN()}))
	e.name = d.subschemaName()
	e.text, e.key = d.subschemaDN(), e.name.key()
	return e
}
