// SPDX-License-Identifier: MIT

package ldaptest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Sub-codes of Active Directory's failed binds: Win32 error numbers in hexadecimal.
const (
	subNoSuchUser      = 0x525
	subBadPassword     = 0x52e
	subLogonHours      = 0x530
	subWorkstation     = 0x531
	subPasswordExpired = 0x532
	subDisabled        = 0x533
	subAccountExpired  = 0x701
	subMustChange      = 0x773
	subLockedOut       = 0x775
)

// Bits of userAccountControl.
const (
	uacDisabled        = 0x2
	uacLockout         = 0x10
	uacPasswordForever = 0x10000
	uacPasswordExpired = 0x800000
)

// neverExpires is the largest FILETIME, one of the two ways to say never; the other is 0.
const neverExpires = 1<<63 - 1

func (d *Directory) bindAD(name string, password []byte) (identity, wire.Reply) {
	if name == "" && len(password) > 0 {
		return identity{}, refusedAD(subBadPassword)
	}
	if len(password) == 0 { // with a name too: Active Directory takes it for an anonymous bind
		return identity{}, wire.Reply{}
	}
	if parsed, err := d.schema.parseDN(name); err == nil && parsed.key() == d.rootDN.key() && string(password) == d.cfg.RootPassword {
		return identity{text: d.schema.format(parsed), key: parsed.key(), root: true}, wire.Reply{}
	}
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	n := d.accountOf(name)
	if n == nil && !d.nameForm(name) {
		return identity{}, refusedAD(subBadPassword)
	}
	if n == nil {
		return identity{}, refusedAD(subNoSuchUser)
	}
	if code := d.refusal(n.entry, d.verify(n.entry, password)); code != 0 {
		return identity{}, refusedAD(code)
	}
	return identity{text: n.entry.text, key: n.entry.key}, wire.Reply{}
}

func refusedAD(code int) wire.Reply {
	return wire.Reply{Code: codeInvalidCredentials, Diagnostic: fmt.Sprintf(
		"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data %x, v4563\x00", code)}
}

// accountOf finds who a bind name stands for: DOMAIN\user, user@domain, a distinguished name or a display
// name (MS-ADTS 5.1.1.1.1).
func (d *Directory) accountOf(name string) *node {
	if domain, account, found := strings.Cut(name, `\`); found && strings.EqualFold(domain, d.cfg.NetBIOS) {
		return d.only(d.known.account, account)
	}
	if account, domain, found := strings.Cut(name, "@"); found {
		if n := d.only(d.known.principal, name); n != nil {
			return n
		}
		if strings.EqualFold(domain, dnsName(d.suffix)) {
			return d.only(d.known.account, account)
		}
		return nil
	}
	parsed, err := d.schema.parseDN(name)
	if err != nil {
		return d.only(d.schema.attribute("displayname"), name)
	}
	return d.tree.byKey[parsed.key()]
}

// nameForm reports whether a bind name is of a form that names an account, right or wrong.
func (d *Directory) nameForm(name string) bool {
	_, err := d.schema.parseDN(name)
	return err == nil || strings.ContainsAny(name, `\@`)
}

func (d *Directory) only(typ *attributeType, value string) *node {
	normal, ok := typ.equality.normalize(d.schema, []byte(value))
	if list := d.tree.having(typ, normal); ok && len(list) == 1 {
		return list[0]
	}
	return nil
}

// dnsName turns dc=example,dc=org into example.org.
func dnsName(name dn) string {
	var labels []string
	for _, component := range name.rdns {
		if part := component.parts[0]; part.typ.name == "dc" {
			labels = append(labels, string(part.value))
		}
	}
	return strings.Join(labels, ".")
}

// refusal returns the sub-code for which an account cannot log on, or 0. Only a lock-out shows with a wrong password.
func (d *Directory) refusal(e *entry, passwordRight bool) int {
	if d.locked(e) {
		return subLockedOut
	}
	if !passwordRight {
		return subBadPassword
	}
	control := d.number(e, "useraccountcontrol")
	switch {
	case control&uacDisabled != 0:
		return subDisabled
	case d.past(d.number(e, "accountexpires")):
		return subAccountExpired
	case d.mustChange(e, control):
		return subMustChange
	case d.passwordExpired(e, control):
		return subPasswordExpired
	case d.outsideHours(e):
		return subLogonHours
	case e.first(d.schema.attribute("userworkstations")) != "":
		return subWorkstation
	}
	return 0
}

func (d *Directory) locked(e *entry) bool { return d.number(e, "lockouttime") > 0 }

// mustChange reports whether an administrator wants a new password at the next logon.
func (d *Directory) mustChange(e *entry, control int64) bool {
	set := e.find(d.schema.attribute("pwdlastset"), "")
	return control&uacPasswordForever == 0 && set != nil && string(set.values[0]) == "0"
}

// passwordExpired follows the flag that Windows computes, or the domain's maxPwdAge where both times are known.
func (d *Directory) passwordExpired(e *entry, control int64) bool {
	if control&uacPasswordExpired != 0 {
		return true
	}
	if control&uacPasswordForever != 0 || d.tree.root == nil {
		return false
	}
	age, set := -d.number(d.tree.root.entry, "maxpwdage"), d.number(e, "pwdlastset")
	return age > 0 && set > 0 && d.past(set+age)
}

// outsideHours reads logonHours: one bit for each hour of the week in UTC, from Sunday midnight.
func (d *Directory) outsideHours(e *entry) bool {
	hours := []byte(e.first(d.schema.attribute("logonhours")))
	if len(hours) != 21 {
		return false
	}
	now := d.cfg.Now().UTC()
	hour := int(now.Weekday())*24 + now.Hour()
	return hours[hour/8]&(1<<(hour%8)) == 0
}

// past reports whether a FILETIME lies behind; 0 and the largest are never.
func (d *Directory) past(filetime int64) bool {
	return filetime > 0 && filetime < neverExpires && filetime < FileTime(d.cfg.Now())
}

// FileTime returns t as Active Directory stores times: 100 ns steps since 1601.
func FileTime(t time.Time) int64 { return t.UnixNano()/100 + 116444736000000000 }

func (d *Directory) number(e *entry, attribute string) int64 {
	n, err := strconv.ParseInt(e.first(d.schema.attribute(attribute)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// computedControl is msDS-User-Account-Control-Computed: the states that change by themselves. A password that must be
// changed counts as expired.
func (d *Directory) computedControl(e *entry) int {
	flags := 0
	if d.locked(e) {
		flags |= uacLockout
	}
	control := d.number(e, "useraccountcontrol")
	if d.passwordExpired(e, control) || d.mustChange(e, control) {
		flags |= uacPasswordExpired
	}
	return flags
}
