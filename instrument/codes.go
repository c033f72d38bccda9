// SPDX-License-Identifier: MIT

package instrument

import (
	"maps"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// codeText is the RFC 4511 name of a result code and what it usually means for the person who sees it.
type codeText struct{ name, hint string }

// resultCodes are those of RFC 4511 section 4.1.9 and the registered ones that directories send (RFC 4520, RFC 3909).
var resultCodes = map[int64]codeText{
	0:   {"success", ""},
	1:   {"operationsError", "the server did not expect this operation now; Active Directory says this to a search before a bind"},
	2:   {"protocolError", "the server could not read the request, or does not know this version, control or extended operation"},
	3:   {"timeLimitExceeded", "the search took longer than the client's or the server's time limit; narrow it or add an index"},
	4:   {"sizeLimitExceeded", "more entries match than the limit allows; use paging or narrow the filter"},
	5:   {"compareFalse", ""},
	6:   {"compareTrue", ""},
	7:   {"authMethodNotSupported", "the server does not take this way to bind; it may want TLS or SASL"},
	8:   {"strongerAuthRequired", "the server wants signing or TLS; use ldaps or StartTLS"},
	10:  {"referral", "the entries live on another server"},
	11:  {"adminLimitExceeded", "a limit that the administrator set was reached; often a filter without an index"},
	12:  {"unavailableCriticalExtension", "the server does not know a control that was marked critical"},
	13:  {"confidentialityRequired", "the server takes this only over TLS; use ldaps or StartTLS"},
	14:  {"saslBindInProgress", ""},
	16:  {"noSuchAttribute", "the attribute or value to delete is not there"},
	17:  {"undefinedAttributeType", "the schema of the server has no such attribute"},
	18:  {"inappropriateMatching", "the attribute has no matching rule for this comparison"},
	19:  {"constraintViolation", "the value breaks a rule of the server, such as a password policy or a length"},
	20:  {"attributeOrValueExists", "the value is already there"},
	21:  {"invalidAttributeSyntax", "the value does not have the form that the attribute asks for"},
	32:  {"noSuchObject", "there is no entry with this name; matched DN says how far the path exists"},
	33:  {"aliasProblem", "an alias points to nothing"},
	34:  {"invalidDNSyntax", "the name is no valid DN; a comma or a plus in a value needs a backslash"},
	36:  {"aliasDereferencingProblem", "an alias could not be followed, often for lack of rights"},
	48:  {"inappropriateAuthentication", "this account cannot be used with this way to bind"},
	49:  {"invalidCredentials", "wrong name or wrong password"},
	50:  {"insufficientAccessRights", "the bound account may not do this"},
	51:  {"busy", "the server is busy; try again later"},
	52:  {"unavailable", "the server is shutting down or cannot answer now"},
	53:  {"unwillingToPerform", "the server refuses by policy; Active Directory says this to a password change without TLS"},
	54:  {"loopDetect", "the server met a loop of aliases or referrals"},
	64:  {"namingViolation", "the entry may not have this name or stand in this place"},
	65:  {"objectClassViolation", "an attribute is missing or not allowed for the object classes of the entry"},
	66:  {"notAllowedOnNonLeaf", "the entry has children"},
	67:  {"notAllowedOnRDN", "the value is part of the entry's name; rename the entry instead"},
	68:  {"entryAlreadyExists", "an entry with this name is already there"},
	69:  {"objectClassModsProhibited", "the structural object class of an entry cannot be changed"},
	71:  {"affectsMultipleDSAs", "the change would span several servers"},
	80:  {"other", "the server gives no standard reason; read its message"},
	118: {"canceled", "the operation was cancelled on request"},
	119: {"noSuchOperation", "there was nothing to cancel"},
	120: {"tooLate", "it was too late to cancel"},
	121: {"cannotCancel", "this operation cannot be cancelled"},
}

// CodeName returns the RFC 4511 name of a result code, or "unknown" for one that nobody registered.
func CodeName(code int64) string {
	if t := textOf(code); t.name != "" {
		return t.name
	}
	return "unknown"
}

// lowCodes are the resultCodes below 128: nearly every answer has one of them.
var lowCodes = func() (texts [128]codeText) {
	for code, text := range resultCodes {
		if code < int64(len(texts)) {
			texts[code] = text
		}
	}
	return texts
}()

// codeCounts counts results by their codes. The zero value is empty.
type codeCounts struct {
	low  [len(lowCodes)]uint64
	high map[int64]uint64
}

func (c *codeCounts) add(code int64) {
	switch {
	case code >= 0 && code < int64(len(c.low)):
		c.low[code]++
	case c.high == nil:
		c.high = map[int64]uint64{}
		fallthrough
	default:
		c.high[code]++
	}
}

// all returns the counts of all codes that came.
func (c *codeCounts) all() map[int64]uint64 {
	counts := make(map[int64]uint64, 1+len(c.high))
	for code, n := range c.low {
		if n > 0 {
			counts[int64(code)] = n
		}
	}
	maps.Copy(counts, c.high)
	return counts
}

func textOf(code int64) codeText {
	if code >= 0 && code < int64(len(lowCodes)) {
		return lowCodes[code]
	}
	return resultCodes[code]
}

// adSubCodes are the reasons that Active Directory hides in the diagnostic message of code 49 ("data 52e").
var adSubCodes = map[string]string{
	"525": "no such user", "52e": "wrong password", "52f": "a restriction of the account", "530": "not allowed to log on at this time",
	"531": "not allowed to log on from this computer", "532": "the password has expired", "533": "the account is disabled",
	"534": "the account may not log on this way", "568": "the account is in too many groups", "701": "the account has expired",
	"773": "the password must be changed first", "775": "the account is locked",
	"80090346": "the server asks for channel binding; the password may be right",
	"80090308": "the security token was refused",
}

// SubCode returns the sub-code in an Active Directory diagnostic message, such as "52e", or "".
func SubCode(diagnostic string) string {
	_, rest, found := strings.Cut(diagnostic, ", data ")
	if !found {
		return ""
	}
	code, _, _ := strings.Cut(rest, ",")
	if len(code) == 0 || code == "0" || len(code) > 8 || strings.ContainsFunc(code, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) }) {
		return ""
	}
	return strings.ToLower(code)
}

// Hint says in plain words what a result code, with Active Directory's sub-code if any, usually means; "" when the code
// speaks for itself.
func Hint(code int64, subCode string) string {
	if code == ldap.LDAPResultInvalidCredentials && subCode != "" {
		if text, ok := adSubCodes[subCode]; ok {
			return text
		}
	}
	return textOf(code).hint
}

// codeFails reports whether a result code is an error: all but success, the two answers of a compare, and the step of a bind.
func codeFails(kind Kind, code int64) bool {
	switch code {
	case ldap.LDAPResultSuccess:
		return false
	case ldap.LDAPResultCompareFalse, ldap.LDAPResultCompareTrue:
		return kind != KindCompare
	case ldap.LDAPResultSaslBindInProgress:
		return kind != KindBind
	}
	return true
}

// oidNames are the controls and extended operations that people meet.
var oidNames = map[string]string{
	"1.2.840.113556.1.4.319": "paged results", "1.2.840.113556.1.4.473": "server-side sort", "1.2.840.113556.1.4.474": "sort result",
	"2.16.840.1.113730.3.4.2": "manage DSA IT", "1.2.840.113556.1.4.805": "tree delete", "1.2.840.113556.1.4.417": "show deleted",
	"1.2.840.113556.1.4.801": "security descriptor flags", "1.2.840.113556.1.4.841": "DirSync", "1.2.840.113556.1.4.528": "notification",
	"1.3.6.1.4.1.42.2.27.8.5.1": "password policy", "2.16.840.1.113730.3.4.9": "virtual list view", "1.3.6.1.1.12": "assertion",
	"1.3.6.1.1.13.1": "pre-read", "1.3.6.1.1.13.2": "post-read", "2.16.840.1.113730.3.4.18": "proxied authorization",
	"1.2.840.113556.1.4.1339": "domain scope", "1.2.840.113556.1.4.529": "extended DN", "1.2.840.113556.1.4.970": "statistics",
	"1.3.6.1.4.1.4203.1.9.1.1": "content synchronization", "1.2.840.113556.1.4.619": "lazy commit",
	"1.3.6.1.4.1.1466.20037": "StartTLS", "1.3.6.1.4.1.1466.20036": "notice of disconnection", "1.3.6.1.4.1.4203.1.11.3": "who am I",
	"1.3.6.1.4.1.4203.1.11.1": "password modify", "1.3.6.1.1.8": "cancel", "1.3.6.1.1.21.1": "start transaction",
	"1.3.6.1.1.21.3": "end transaction", "1.3.6.1.4.1.1466.101.119.1": "dynamic refresh", "1.2.840.113556.1.4.1781": "fast bind",
}
