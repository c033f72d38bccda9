// SPDX-License-Identifier: MIT

package panel

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ldapscope/ldapscope/instrument"
)

// valueRow is one attribute value. Encoding says how text is to be read: utf8, base64, or hidden for what was redacted.
type valueRow struct {
	Text     string `json:"text"`
	Encoding string `json:"encoding"`
	Decoded  string `json:"decoded,omitempty"`
}

func valueRows(attribute string, values []instrument.Value) []valueRow {
	rows := make([]valueRow, 0, len(values))
	for _, v := range values {
		rows = append(rows, valueOf(attribute, v))
	}
	return rows
}

func valueOf(attribute string, v instrument.Value) valueRow {
	if v.Hidden {
		return valueRow{Text: v.Text, Encoding: "hidden"}
	}
	decoded := decode(strings.ToLower(attribute), v.Text)
	if readable(v.Text) {
		return valueRow{v.Text, "utf8", decoded}
	}
	return valueRow{base64.StdEncoding.EncodeToString([]byte(v.Text)), "base64", decoded}
}

func readable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' })
}

// text makes a string from the wire safe for JSON: what is no UTF-8 is shown as such.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// decode gives the human form of values that are written for machines; "" when there is none.
func decode(attribute, value string) string {
	switch attribute {
	case "objectguid", "msexchmailboxguid", "ms-ds-consistencyguid", "schemaidguid":
		return guid(value)
	case "objectsid", "sidhistory", "tokengroups", "securityidentifier":
		return sid(value)
	case "pwdlastset", "lastlogon", "lastlogontimestamp", "accountexpires", "badpasswordtime", "lockouttime", "lastlogoff",
		"msds-userpasswordexpirytimecomputed":
		return fileTime(value)
	case "useraccountcontrol":
		return accountControl(value)
	case "whencreated", "whenchanged", "createtimestamp", "modifytimestamp", "pwdchangedtime", "pwdaccountlockedtime", "dscorepropagationdata":
		return generalizedTime(value)
	}
	return ""
}

// guid reads the mixed byte order of Microsoft: three little-endian numbers, then bytes.
func guid(v string) string {
	if len(v) != 16 {
		return ""
	}
	b := []byte(v)
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:])
}

// sid reads a security identifier (MS-DTYP 2.4.2.2).
func sid(v string) string {
	b := []byte(v)
	if len(b) < 8 || b[0] != 1 || len(b) != 8+4*int(b[1]) {
		return ""
	}
	var authority [8]byte
	copy(authority[2:], b[2:8])
	s := "S-1-" + strconv.FormatUint(binary.BigEndian.Uint64(authority[:]), 10)
	for i := 8; i < len(b); i += 4 {
		s += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[i:])), 10)
	}
	return s
}

// fileTime reads 100-nanosecond steps since 1601.
func fileTime(v string) string {
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case err != nil:
		return ""
	case n == 0 || n == 1<<63-1:
		return "never"
	}
	const epoch = 116444736000000000 // 1970 in that count
	return time.Unix((n-epoch)/1e7, (n-epoch)%1e7*100).UTC().Format("2006-01-02 15:04:05 MST")
}

func generalizedTime(v string) string {
	for _, layout := range []string{"20060102150405.999999999Z0700", "20060102150405Z0700"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UTC().Format("2006-01-02 15:04:05 MST")
		}
	}
	return ""
}

// accountControl names the bits of userAccountControl (MS-ADTS 2.2.16) that people look for.
func accountControl(v string) string {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return ""
	}
	var names []string
	for _, flag := range []struct {
		bit  int64
		name string
	}{
		{0x2, "disabled"}, {0x10, "locked"}, {0x20, "no password required"}, {0x40, "password cannot change"}, {0x200, "normal account"},
		{0x800, "inter-domain trust"}, {0x1000, "workstation"}, {0x2000, "domain controller"}, {0x10000, "password never expires"},
		{0x40000, "smart card required"}, {0x80000, "trusted for delegation"}, {0x100000, "not delegated"}, {0x400000, "no Kerberos preauthentication"},
		{0x800000, "password expired"},
	} {
		if n&flag.bit != 0 {
			names = append(names, flag.name)
		}
	}
	return strings.Join(names, ", ")
}
