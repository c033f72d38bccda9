// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// Outcome is how a login ended, as a word for counting.
type Outcome string

// The outcomes of a login.
const (
	OutcomeOK             Outcome = "ok"
	OutcomeWrongPassword  Outcome = "wrong_password"
	OutcomeNoSuchUser     Outcome = "no_such_user"
	OutcomeAmbiguous      Outcome = "ambiguous"       // several entries have the name
	OutcomeExpired        Outcome = "expired"         // the password
	OutcomeMustChange     Outcome = "must_change"     // the password, before anything else
	OutcomeAccountExpired Outcome = "account_expired" // the account
	OutcomeDisabled       Outcome = "disabled"
	OutcomeLocked         Outcome = "locked"
	OutcomeRestricted     Outcome = "restricted"     // not at this time or not from this computer
	OutcomeNotAllowed     Outcome = "not_allowed"    // by Login.Require or Login.Deny
	OutcomeNoAccount      Outcome = "no_account"     // there is no local account, and Sync.NewUsers is off
	OutcomeEmptyPassword  Outcome = "empty_password" // refused here, nothing was sent
	OutcomeBadName        Outcome = "bad_name"       // refused here, nothing was sent
	OutcomeLimited        Outcome = "limited"        // too many failures before
	OutcomeUnavailable    Outcome = "unavailable"    // no answer: it is not known whether the password is right
)

// LoginError is a login that did not succeed. errors.Is finds ErrInvalidCredentials behind the outcomes that are about name
// or password, and what went wrong behind the others.
type LoginError struct {
	Outcome Outcome
	Domain  string
	DNs     []string // of OutcomeAmbiguous
	Err     error    // may be nil
}

func (e *LoginError) Error() string {
	text := fmt.Sprintf("login in %s: %s", e.Domain, outcomes[e.Outcome].operator)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns what errors.Is should find.
func (e *LoginError) Unwrap() []error {
	if outcomes[e.Outcome].credentials {
		return []error{ErrInvalidCredentials, e.Err}
	}
	return []error{e.Err}
}

// Public returns what may be shown to the person who logs in. It does not tell whether an account exists: what Active
// Directory says only to the right password may be shown, all else reads the same.
func (e *LoginError) Public() string { return outcomes[e.Outcome].public }

// OutcomeOf returns how a login ended, by the error of Authenticate.
func OutcomeOf(err error) Outcome {
	var login *LoginError
	switch {
	case err == nil:
		return OutcomeOK
	case errors.As(err, &login):
		return login.Outcome
	}
	return OutcomeUnavailable
}

const (
	wrongNameOrPassword = "Name or password is wrong."
	tryLater            = "Logging in is not possible at the moment. Please try again later."
)

// outcomes say what an outcome means, for operators and for the person who logs in.
var outcomes = map[Outcome]struct {
	operator, public string
	credentials      bool
}{
	OutcomeWrongPassword:  {"wrong password", wrongNameOrPassword, true},
	OutcomeNoSuchUser:     {"no such user", wrongNameOrPassword, true},
	OutcomeAmbiguous:      {"several entries have this name", wrongNameOrPassword, true},
	OutcomeExpired:        {"the password has expired", "Your password has expired. Please change it first.", false},
	OutcomeMustChange:     {"the password must be changed first", "Your password must be changed first.", false},
	OutcomeAccountExpired: {"the account has expired", wrongNameOrPassword, true},
	OutcomeDisabled:       {"the account is disabled", wrongNameOrPassword, true},
	OutcomeLocked:         {"the account is locked", wrongNameOrPassword, true},
	OutcomeRestricted:     {"not at this time or not from this computer", wrongNameOrPassword, true},
	OutcomeNotAllowed:     {"the groups do not allow it", "You are not allowed to use this application.", false},
	OutcomeNoAccount:      {"there is no local account and none is created", wrongNameOrPassword, true},
	OutcomeEmptyPassword:  {"the password is empty", wrongNameOrPassword, true},
	OutcomeBadName:        {"the name cannot be a login name", wrongNameOrPassword, true},
	OutcomeLimited:        {"too many failed logins", "Too many failed logins. Please wait some minutes.", false},
	OutcomeUnavailable:    {"no answer from the directory", tryLater, false},
}

// subCodes are the reasons that Active Directory gives (MS-ERREF, Win32 error codes).
var subCodes = map[string]Outcome{
	"525": OutcomeNoSuchUser, "52e": OutcomeWrongPassword, "52f": OutcomeRestricted, "530": OutcomeRestricted, "531": OutcomeRestricted,
	"532": OutcomeExpired, "533": OutcomeDisabled, "534": OutcomeRestricted, "701": OutcomeAccountExpired, "773": OutcomeMustChange,
	"775": OutcomeLocked,
}

// The errors of the password-policy control (draft-behera-ldap-password-policy-10 section 6.2).
const (
	policyExpired = 0
	policyLocked  = 1
	policyReset   = 2
)

// Policy is what a server says about a password beside the answer to a bind.
type Policy struct {
	ExpiresIn int64 // seconds until the password expires; -1 when it does not say
	Grace     int64 // logins that are left with an expired password; -1 when it does not say
}

// policyOf reads the password-policy control of an answer. reason is -1 without one.
func policyOf(result *ldap.SimpleBindResult) (policy Policy, reason int8) {
	policy, reason = Policy{-1, -1}, -1
	if result == nil {
		return policy, reason
	}
	for _, c := range result.Controls {
		if p, ok := c.(*ldap.ControlBeheraPasswordPolicy); ok {
			policy, reason = Policy{p.Expire, p.Grace}, p.Error
		}
	}
	return policy, reason
}

// policyAt returns what a server said about the password, or nil.
func policyAt(result *ldap.SimpleBindResult) *Policy {
	policy, _ := policyOf(result)
	if policy == (Policy{-1, -1}) {
		return nil
	}
	return &policy
}

// outcomeOf classifies the answer to a person's bind.
func outcomeOf(result *ldap.SimpleBindResult, err error) Outcome {
	_, reason := policyOf(result)
	code, answered := instrument.ResultCode(err)
	switch {
	case err != nil && !answered:
		return OutcomeUnavailable
	case reason == policyReset:
		return OutcomeMustChange
	case err == nil:
		return OutcomeOK
	case reason == policyExpired:
		return OutcomeExpired
	case reason == policyLocked:
		return OutcomeLocked
	}
	if outcome, ok := subCodes[SubCode(err)]; ok && code == ldap.LDAPResultInvalidCredentials {
		return outcome
	}
	switch code {
	case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultInsufficientAccessRights:
		return OutcomeWrongPassword
	case ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax:
		return OutcomeNoSuchUser
	case ldap.LDAPResultConstraintViolation: // 389 Directory Server, after too many failures
		return OutcomeLocked
	case ldap.LDAPResultUnwillingToPerform: // 389 Directory Server, for accounts that were inactivated
		return OutcomeDisabled
	}
	return OutcomeUnavailable
}
