// SPDX-License-Identifier: MIT

package ldaptest

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// Relative identifiers and types of Active Directory's security principals.
const (
	ridDomainUsers     = 513
	ridDomainComputers = 515
	ridFirst           = 1100

	typeUser     = 0x30000000 // sAMAccountType
	typeComputer = 0x30000001
	typeGroup    = 0x10000000

	globalSecurityGroup = -2147483646 // groupType
	securityGroup       = -0x80000000 // the bit of it that makes a group count for rights
	normalAccount       = 0x200       // userAccountControl
	workstationAccount  = 0x1000
	passwordNotRequired = 0x20
)

// expandClasses completes objectClass up to top, the most general first, as Active Directory stores it.
func (d *Directory) expandClasses(e *entry) {
	a := e.find(d.known.objectClass, "")
	if a == nil {
		return
	}
	var names []string
	var add func(c *objectClass)
	add = func(c *objectClass) {
		for _, sup := range c.sup {
			add(sup)
		}
		if !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	for _, v := range a.values {
		c := d.schema.class(string(v))
		if c == nil {
			return // refused later, by name
		}
		add(c)
	}
	e.put(d.schema.newAttr(d.known.objectClass, names...))
}

func (d *Directory) stampNewAD(e *entry) {
	now := d.cfg.Now().UTC()
	usn := strconv.FormatUint(d.tree.usn, 10)
	guid := identifier(e.key, d.tree.usn)
	guid[6], guid[7] = guid[7], guid[6] // the version, where Active Directory's order of bytes has it
	d.setNew(e, "objectGUID", string(guid[:]))
	d.setNew(e, "instanceType", "4")
	for _, name := range []string{"whenCreated", "whenChanged"} {
		d.setNew(e, name, now.Format(timeFormat)+".0Z")
	}
	d.setNew(e, "uSNCreated", usn)
	d.setNew(e, "uSNChanged", usn)
	if c := e.structural(); c != nil {
		d.setNew(e, "objectCategory", d.schema.category(c))
	}
	d.stampName(e)
	switch {
	case d.isA(e, "computer"):
		d.stampAccount(e, typeComputer, workstationAccount, ridDomainComputers)
	case d.isA(e, "user"):
		d.stampAccount(e, typeUser, normalAccount, ridDomainUsers)
	case d.isA(e, "group"):
		d.setNew(e, "objectSid", d.principalSID())
		d.setNew(e, "sAMAccountType", itoa(typeGroup))
		d.setNew(e, "groupType", itoa(globalSecurityGroup))
		d.setNew(e, "sAMAccountName", string(e.name.rdns[0].parts[0].value))
	case d.isA(e, "domain"):
		d.setNew(e, "objectSid", d.sid)
	}
}

func (d *Directory) stampAccount(e *entry, kind, control, group int64) {
	d.setNew(e, "objectSid", d.principalSID())
	d.setNew(e, "sAMAccountType", itoa(kind))
	d.setNew(e, "userAccountControl", itoa(control))
	d.setNew(e, "primaryGroupID", itoa(group))
	d.setNew(e, "accountExpires", itoa(neverExpires))
	d.setNew(e, "pwdLastSet", itoa(FileTime(d.cfg.Now())))
	for _, name := range []string{"badPwdCount", "logonCount", "lastLogon", "lastLogoff", "badPasswordTime", "codePage", "countryCode"} {
		d.setNew(e, name, "0")
	}
}

// disableNew makes an account that a client adds without userAccountControl start disabled and without need of a password.
// Accounts from LDIF start enabled.
func (d *Directory) disableNew(e *entry) {
	if d.isA(e, "user") && !d.isA(e, "computer") {
		d.setNew(e, "userAccountControl", itoa(normalAccount|uacDisabled|passwordNotRequired))
	}
}

// stampName keeps the attributes that repeat the entry's name.
func (d *Directory) stampName(e *entry) {
	if d.cfg.Profile != ActiveDirectory {
		return
	}
	d.set(e, "distinguishedName", e.text)
	d.set(e, "name", string(e.name.rdns[0].parts[0].value))
}

func (d *Directory) isA(e *entry, class string) bool { return e.has(d.schema.class(class)) }

// principalSID is the next security identifier of the domain.
func (d *Directory) principalSID() string { return d.sidOf(uint32(ridFirst + d.tree.usn)) }

func (d *Directory) sidOf(rid uint32) string {
	sid := []byte(d.sid)
	sid[1]++
	return string(binary.LittleEndian.AppendUint32(sid, rid))
}

// domainSID derives S-1-5-21-a-b-c from the suffix.
func domainSID(suffix dn) string {
	sum := sha256.Sum256([]byte(suffix.key()))
	sid := []byte{1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0}
	return string(append(sid, sum[:12]...))
}

// tokenGroupsOf returns the identifiers of all security groups that an account is in, nested ones and the primary one
// included. Distribution groups do not count, nor what is reached through them.
func (d *Directory) tokenGroupsOf(e *entry) []string {
	var sids []string
	if group := d.number(e, "primarygroupid"); group > 0 {
		sids = append(sids, d.sidOf(uint32(group)))
	}
	seen := map[string]bool{}
	var visit func(e *entry)
	visit = func(e *entry) {
		for _, key := range normalsOf(e, d.known.memberOf) {
			n := d.tree.byKey[key]
			if n == nil || seen[key] || d.number(n.entry, "grouptype")&securityGroup == 0 {
				continue
			}
			seen[key] = true
			sids = append(sids, n.entry.first(d.known.objectSID))
			visit(n.entry)
		}
	}
	visit(e)
	return sids
}

// categories are the names of the schema objects whose names differ from the class.
var categories = map[string]string{
	"user": "Person", "inetOrgPerson": "Person", "organizationalPerson": "Person", "person": "Person", "contact": "Person",
	"computer": "Computer", "group": "Group", "organizationalUnit": "Organizational-Unit", "container": "Container",
	"domainDNS": "Domain-DNS", "builtinDomain": "Builtin-Domain", "foreignSecurityPrincipal": "Foreign-Security-Principal",
}

// category is the default object category of a class.
func (s *schema) category(c *objectClass) string {
	name := categories[c.name]
	if name == "" {
		name = strings.ToUpper(c.name[:1]) + c.name[1:]
	}
	return "CN=" + name + ",CN=Schema,CN=Configuration," + s.suffix
}
