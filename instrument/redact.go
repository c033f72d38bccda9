// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Level says how much of an operation's content may be kept, from least to most. Credentials and the values of secret
// attributes are kept at no level.
type Level uint8

// The levels of redaction.
const (
	LevelNames  Level = iota // kinds, attribute names and result codes
	LevelShapes              // filters and DNs with ? for every literal
	LevelHashes              // with a keyed hash for every literal, so that equal ones can be seen
	LevelValues              // filters, DNs and entries readable
)

var levelNames = [...]string{"names", "shapes", "hashes", "values"}

// String returns the name used in configuration.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// ParseLevel reads a level's name.
func ParseLevel(name string) (Level, error) {
	for i, n := range levelNames {
		if n == name {
			return Level(i), nil
		}
	}
	return 0, fmt.Errorf("unknown redaction level %q: use names, shapes, hashes or values", name)
}

// hiddenText stands for a value that is kept at no level.
const hiddenText = "<hidden>"

// secretAttributes hold what must never be seen, in lower case and without options; servers take their OIDs as well.
var secretAttributes = map[string]bool{
	"userpassword": true, "unicodepwd": true, "dbcspwd": true, "ntpwdhistory": true, "lmpwdhistory": true,
	"supplementalcredentials": true, "ms-mcs-admpwd": true, "msds-managedpassword": true, "krbprincipalkey": true,
	"sambantpassword": true, "sambalmpassword": true, "sambapasswordhistory": true, "authpassword": true, "pwdhistory": true,
	"userpkcs12": true, "trustauthincoming": true, "trustauthoutgoing": true, "currentvalue": true, "priorvalue": true,
	"initialauthincoming": true, "initialauthoutgoing": true, "ipanthash": true,
	"krbmkey": true, "krbpwdhistory": true, "nsslapd-rootpw": true, "olcrootpw": true, "passwordhistory": true, "reversiblepassword": true,
	"msfve-recoverypassword": true, "msfve-keypackage": true, "mstpm-ownerinformation": true, "peklist": true,
	"unixuserpassword": true, "mssfu30password": true, "msds-executescriptpassword": true,
	"oathsecret": true, "ipatokenotpkey": true, "nsds5replicacredentials": true, "nsds5replicabootstrapcredentials": true,
	"nssymmetrickey": true, "nsmultiplexorcredentials": true, "sambacleartextpassword": true, "sambapreviouscleartextpassword": true,
	"olcsyncrepl": true, "olcdbidassertbind": true, // both with credentials= in their text

	"2.5.4.35": true, "1.3.6.1.4.1.4203.1.3.4": true, "2.16.840.1.113730.3.1.216": true, // userPassword, authPassword, userPKCS12
	"1.2.840.113556.1.4.90": true, "1.2.840.113556.1.4.55": true, "1.2.840.113556.1.4.94": true, // unicodePwd, dBCSPwd, ntPwdHistory
	"1.2.840.113556.1.4.160": true, "1.2.840.113556.1.4.125": true, // lmPwdHistory, supplementalCredentials
	"1.3.6.1.4.1.7165.2.1.24": true, "1.3.6.1.4.1.7165.2.1.25": true, // sambaLMPassword, sambaNTPassword
	"2.16.840.1.113719.1.301.4.39.1": true,                                                                 // krbPrincipalKey
	"1.2.840.113556.1.4.2196":        true, "1.2.840.113556.1.4.129": true, "1.2.840.113556.1.4.135": true, // msDS-ManagedPassword, trustAuthIncoming, trustAuthOutgoing
}

var oidPrefix = foldedHash([]byte("oid."))

// SecretAttribute reports whether the values of an attribute are kept at no level: passwords, keys and hashes of them.
func SecretAttribute(name string) bool { return secretName([]byte(name)) }

func secretName(name []byte) bool {
	for i, c := range name {
		if c == ';' {
			name = name[:i]
			break
		}
	}
	if len(name) > 4 && name[3] == '.' && foldedHash(name[:4]) == oidPrefix { // as RFC 2251 wrote OIDs
		name = name[4:]
	}
	if len(name) > longestSecret || len(name) < 2 || secretLengths[name[0]&31][name[1]&31]>>len(name)&1 == 0 {
		return false
	}
	var folded [longestSecret]byte
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		folded[i] = c
	}
	lower := folded[:len(name)]
	return secretAttributes[string(lower)] || slices.ContainsFunc(secretPrefixes, func(prefix string) bool { return strings.HasPrefix(string(lower), prefix) })
}

// secretPrefixes begin names of which there are several.
var secretPrefixes = []string{"mslaps-password", "mslaps-encrypted"}

const longestSecret = 40

// secretLengths has the lengths of all secret names as bits, by the last five bits of their first two letters: nearly every
// name that is none is told from them by it.
var secretLengths = func() (lengths [32][32]uint64) {
	for name := range secretAttributes {
		lengths[name[0]&31][name[1]&31] |= 1 << len(name)
	}
	for _, prefix := range secretPrefixes {
		lengths[prefix[0]&31][prefix[1]&31] |= 1<<(longestSecret+1) - 1<<len(prefix)
	}
	return lengths
}()

// redactor shows values as one level allows. It is immutable and safe for concurrent use.
type redactor struct {
	level Level
	key   []byte
}

func newRedactor(level Level) redactor {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return redactor{level, key}
}

// appendHash appends a short keyed hash, which tells equal values and nothing else.
func (r redactor) appendHash(dst, value []byte) []byte {
	mac := hmac.New(sha256.New, r.key)
	mac.Write(value)
	return hex.AppendEncode(append(dst, '#'), mac.Sum(nil)[:4])
}

// appendFilter appends a filter as the level allows.
func (r redactor) appendFilter(dst []byte, f wire.Filter) []byte {
	start := len(dst)
	switch r.level {
	case LevelNames:
		return dst
	case LevelShapes:
		return clip(append(dst, filterShape(f)...), start, keptFilter)
	case LevelHashes:
		f = safeFilter(f)
	}
	dst = f.AppendText(dst, func(dst, attr, value []byte) []byte {
		switch {
		case secretName(attr):
			return append(dst, hiddenText...)
		case r.level == LevelHashes:
			return r.appendHash(dst, value)
		}
		return wire.AppendEscaped(dst, value)
	})
	return clip(dst, start, keptFilter)
}

// bounds of what is kept of one filter and one name.
const (
	keptFilter = 16 << 10
	keptName   = 4 << 10
)

// clip cuts what was appended after start to at most so many bytes, and marks the cut.
func clip(dst []byte, start, most int) []byte {
	if len(dst)-start <= most {
		return dst
	}
	return append(dst[:start+most], "…"...)
}

// appendDN appends a distinguished name as the level allows.
func (r redactor) appendDN(dst, dn []byte) []byte {
	start := len(dst)
	switch {
	case len(dn) == 0 || r.level == LevelNames:
		return dst
	case r.level == LevelValues && !secretDN(dn):
		return clip(append(dst, dn...), start, keptName)
	}
	dst = appendDN(dst, dn, func(dst []byte, attr, value []byte) []byte {
		switch {
		case secretName(attr):
			return append(dst, hiddenText...)
		case r.level == LevelValues:
			return append(dst, value...)
		case r.level == LevelHashes:
			return r.appendHash(dst, value)
		}
		return append(dst, '?')
	})
	return clip(dst, start, keptName)
}

// dn returns a distinguished name as the level allows.
func (r redactor) dn(dn []byte) string {
	if len(dn) == 0 || r.level == LevelNames {
		return ""
	}
	var scratch [256]byte
	return string(r.appendDN(scratch[:0], dn))
}

// secretDN reports whether a name may be made of a secret attribute, which nobody should do. It looks at whatever is before
// an equals sign, quoted and escaped or not, because it is asked for every entry that is kept.
func secretDN(dn []byte) bool {
	for {
		equals := bytes.IndexByte(dn, '=')
		if equals < 0 {
			return false
		}
		start := equals
		for start > 0 && dn[start-1] != ',' && dn[start-1] != '+' && dn[start-1] != ';' {
			start--
		}
		if secretName(bytes.TrimSpace(dn[start:equals])) {
			return true
		}
		dn = dn[equals+1:]
	}
}

// value returns an attribute value as the level allows.
func (r redactor) value(attr, value []byte) Value {
	switch {
	case secretName(attr):
		return Value{hiddenText, true}
	case r.level == LevelValues:
		return Value{string(value), false}
	case r.level == LevelHashes:
		return Value{string(r.appendHash(nil, value)), true}
	}
	return Value{"?", true}
}

// text returns a server's message: it may repeat names and values, so that only the highest level keeps it whole. What
// Active Directory puts in front of its codes is kept, because it holds no value.
func (r redactor) text(s []byte) string {
	if len(s) == 0 {
		return ""
	}
	if r.level == LevelValues {
		return bounded(string(s), keptName)
	}
	if code := SubCode(string(s)); code != "" {
		return "data " + code
	}
	return ""
}
