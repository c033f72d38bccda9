// SPDX-License-Identifier: MIT

package instrument

import "github.com/ldapscope/ldapscope/instrument/wire"

// PasswordPolicy is what the password-policy control of an answer says (draft-behera-ldap-password-policy-10 section 6.2).
type PasswordPolicy struct {
	Error   string // such as accountLocked; "" for none
	Warning string // timeBeforeExpiration or graceAuthNsRemaining; "" for none
	Left    int64  // of the warning: seconds, or logins
}

// policyErrors are the reasons of the password-policy control (draft-behera-ldap-password-policy-10 section 6.2), by number.
var policyErrors = [...]codeText{
	{"passwordExpired", "the password has expired"},
	{"accountLocked", "the account is locked"},
	{"changeAfterReset", "the password must be changed first"},
	{"passwordModNotAllowed", "the password may not be changed"},
	{"mustSupplyOldPassword", "the old password is asked for too"},
	{"insufficientPasswordQuality", "the password is too weak"},
	{"passwordTooShort", "the password is too short"},
	{"passwordTooYoung", "the password was changed too recently"},
	{"passwordInHistory", "the password was used before"},
}

const (
	policyWarning = 0xa0
	policyError   = 0x81
	policyExpires = 0x80 // inside of the warning
)

// readPolicy reads the value of a password-policy control. What does not parse says nothing.
func readPolicy(value []byte) (p PasswordPolicy) {
	content, _, err := wire.Element(value)
	for err == nil && len(content) > 0 {
		tag := content[0]
		var body []byte
		body, content, err = wire.Element(content)
		switch {
		case err != nil:
		case tag == policyError:
			if code := unsigned(body); code < int64(len(policyErrors)) {
				p.Error = policyErrors[code].name
			}
		case tag == policyWarning && len(body) > 0:
			left, _, inner := wire.Element(body)
			if inner == nil {
				p.Warning, p.Left = "graceAuthNsRemaining", unsigned(left)
				if body[0] == policyExpires {
					p.Warning = "timeBeforeExpiration"
				}
			}
		}
	}
	return p
}

// unsigned reads a number that is never negative; anything else is larger than any meaning.
func unsigned(b []byte) int64 {
	if len(b) == 0 || len(b) > 7 || b[0] >= 0x80 {
		return 1 << 62
	}
	var n int64
	for _, c := range b {
		n = n<<8 | int64(c)
	}
	return n
}

// hint returns what the error of a policy means, or "".
func (p PasswordPolicy) hint() string {
	for _, reason := range policyErrors {
		if reason.name == p.Error {
			return reason.hint
		}
	}
	return ""
}
