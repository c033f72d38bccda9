// SPDX-License-Identifier: MIT

package samba

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/ldif"
)

const (
	normalAccount      = 0x200 // userAccountControl
	workstationAccount = 0x1000
	passwordNotSet     = 0x20     // the account may be without a password
	passwordExpired    = 0x800000 // servers compute it

	longAgo = "129000000000000000" // FILETIME

	// allowTimes is Samba's own control that lets pwdLastSet be written.
	allowTimes = "local_oid:1.3.6.1.4.1.7165.4.3.12:0"
)

// changes are what makes the entries of a Config out of a fresh domain, as LDIF.
type changes struct {
	Main  []byte
	Times []byte // needs allowTimes
}

// changesFor turns entries as the in-memory directory takes them into changes that Samba takes. References between entries
// come last, so that their order does not matter.
func changesFor(cfg Config) (changes, error) {
	f := &filler{suffix: suffixOf(cfg.Realm)}
	f.loosen()
	f.services(strings.ToLower(cfg.Realm))
	if err := ldif.Read(strings.NewReader(cfg.LDIF), f.entry); err != nil {
		return changes{}, err
	}
	for _, dn := range cfg.Admins {
		f.change(&f.links, "CN=Domain Admins,CN=Users,"+f.suffix, "add", attribute("member", dn))
	}
	f.policy("locked", 10, "1", "0", f.locked)
	f.policy("expired", 20, "0", "-1728000000000", f.expired) // two days; Samba takes one for none
	return changes{slices.Concat(f.adds.Bytes(), f.links.Bytes(), f.policies.Bytes()), f.times.Bytes()}, nil
}

// apply writes the changes into a domain that no server runs on.
func (c changes) apply(t tools, dir string) error {
	if err := modify(t, dir, c.Main); err != nil || len(c.Times) == 0 {
		return err
	}
	return modify(t, dir, c.Times, "--controls="+allowTimes)
}

func modify(t tools, dir string, text []byte, more ...string) error {
	path := filepath.Join(dir, "changes.ldif")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	defer os.Remove(path)
	args := append([]string{"-H", filepath.Join(dir, "private", "sam.ldb")}, more...)
	return execute([]string{"SMB_CONF_PATH=" + filepath.Join(dir, setUpSetting)}, t.modify, append(args, path)...)
}

// filler writes changes.
type filler struct {
	suffix                       string
	adds, links, policies, times bytes.Buffer // in this order
	locked, expired              []string     // DNs
}

// loosen lets tests have the passwords they like, which stay valid.
func (f *filler) loosen() {
	for _, name := range []string{"pwdProperties", "pwdHistoryLength", "minPwdLength", "minPwdAge", "lockoutThreshold"} {
		f.change(&f.adds, f.suffix, "replace", attribute(name, "0"))
	}
	f.change(&f.adds, f.suffix, "replace", attribute("maxPwdAge", "-9223372036854775808"))
}

// services adds the names of the Kerberos services, which a server that updates DNS adds itself.
func (f *filler) services(domain string) {
	host := machine + "." + domain
	f.change(&f.adds, "CN="+strings.ToUpper(machine)+",OU=Domain Controllers,"+f.suffix, "add",
		attribute("servicePrincipalName", "ldap/"+host, "ldap/"+machine, "ldap/"+host+"/"+domain))
}

func (f *filler) entry(r ldif.Record) error {
	root := strings.EqualFold(strings.ReplaceAll(r.DN, " ", ""), f.suffix)
	var own []ldif.Attribute
	account, password, control := 0, false, ""
	for _, a := range r.Attributes {
		switch name := strings.ToLower(a.Name); {
		case root && (name == "objectclass" || name == "dc"):
		case root:
			f.change(&f.adds, r.DN, "replace", a)
		case name == "member" || name == "manager" || name == "msds-psoappliesto":
			f.change(&f.links, r.DN, "add", a)
		case name == "memberof" || name == "directreports":
			return fmt.Errorf("ldif line %d: %s follows from other entries", r.Line, a.Name)
		case name == "userpassword":
			password = true
			own = append(own, ldif.Attribute{Name: "unicodePwd", Values: [][]byte{ldaptest.EncodeUnicodePwd(string(a.Values[0]))}})
		case name == "useraccountcontrol":
			control = string(a.Values[0])
		case name == "lockouttime" && string(a.Values[0]) != "0":
			f.change(&f.times, r.DN, "replace", a)
			f.locked = append(f.locked, r.DN)
		case name == "pwdlastset" && string(a.Values[0]) != "0":
			f.change(&f.times, r.DN, "replace", a)
		default:
			if name == "objectclass" {
				account = accountBits(a)
			}
			own = append(own, a)
		}
	}
	if root {
		return nil
	}
	if account != 0 {
		own = append(own, f.control(r.DN, control, account, password))
	}
	write(&f.adds, r.DN, "add")
	for _, a := range own {
		writeValues(&f.adds, a)
	}
	f.adds.WriteByte('\n')
	return nil
}

// accountBits returns the userAccountControl of an entry that names none, 0 for what is no account. Samba would disable it.
func accountBits(classes ldif.Attribute) int {
	bits := 0
	for _, v := range classes.Values {
		switch strings.ToLower(string(v)) {
		case "user", "inetorgperson":
			bits = max(bits, normalAccount)
		case "computer":
			bits = workstationAccount
		}
	}
	return bits
}

// control is userAccountControl without the bits that a server computes or refuses.
func (f *filler) control(dn, given string, usual int, password bool) ldif.Attribute {
	bits, err := strconv.Atoi(given)
	if err != nil {
		bits = usual
	}
	if bits&passwordExpired != 0 {
		bits &^= passwordExpired
		f.expired = append(f.expired, dn)
		f.change(&f.times, dn, "replace", attribute("pwdLastSet", longAgo))
	}
	if !password {
		bits |= passwordNotSet
	}
	return attribute("userAccountControl", strconv.Itoa(bits))
}

// policy writes a password policy for some accounts: how many wrong passwords lock them, for ever, and for how long a
// password is valid.
func (f *filler) policy(name string, precedence int, threshold, maxAge string, accounts []string) {
	if len(accounts) == 0 {
		return
	}
	write(&f.policies, "CN="+name+",CN=Password Settings Container,CN=System,"+f.suffix, "add")
	for _, a := range []ldif.Attribute{
		attribute("objectClass", "msDS-PasswordSettings"),
		attribute("msDS-PasswordSettingsPrecedence", strconv.Itoa(precedence)),
		attribute("msDS-PasswordReversibleEncryptionEnabled", "FALSE"),
		attribute("msDS-PasswordHistoryLength", "0"),
		attribute("msDS-PasswordComplexityEnabled", "FALSE"),
		attribute("msDS-MinimumPasswordLength", "0"),
		attribute("msDS-MinimumPasswordAge", "0"),
		attribute("msDS-MaximumPasswordAge", maxAge),
		attribute("msDS-LockoutThreshold", threshold),
		attribute("msDS-LockoutObservationWindow", "-9223372036854775808"),
		attribute("msDS-LockoutDuration", "-9223372036854775808"),
		attribute("msDS-PSOAppliesTo", accounts...),
	} {
		writeValues(&f.policies, a)
	}
	f.policies.WriteByte('\n')
}

func (f *filler) change(b *bytes.Buffer, dn, kind string, a ldif.Attribute) {
	write(b, dn, "modify")
	fmt.Fprintf(b, "%s: %s\n", kind, a.Name)
	writeValues(b, a)
	b.WriteString("-\n\n")
}

func write(b *bytes.Buffer, dn, kind string) {
	fmt.Fprintf(b, "dn:: %s\nchangetype: %s\n", base64.StdEncoding.EncodeToString([]byte(dn)), kind)
}

func writeValues(b *bytes.Buffer, a ldif.Attribute) {
	for _, v := range a.Values {
		fmt.Fprintf(b, "%s:: %s\n", a.Name, base64.StdEncoding.EncodeToString(v))
	}
}

func attribute(name string, values ...string) ldif.Attribute {
	a := ldif.Attribute{Name: name}
	for _, v := range values {
		a.Values = append(a.Values, []byte(v))
	}
	return a
}
