// SPDX-License-Identifier: MIT

package ldaptest

import "strings"

// rule is one matching rule: values are brought into a form in which equal values are equal strings, and compared in it.
type rule struct {
	oid, name, syntax string
	normalize         func(s *schema, value []byte) (normal string, ok bool)
	compare           func(a, b string) int
}

const syntaxPrefix = "1.3.6.1.4.1.1466.115.121.1."

// The syntaxes that decide how a value is checked or compared.
const (
	syntaxBoolean     = syntaxPrefix + "7"
	syntaxCountry     = syntaxPrefix + "11"
	syntaxDN          = syntaxPrefix + "12"
	syntaxDirectory   = syntaxPrefix + "15"
	syntaxTime        = syntaxPrefix + "24"
	syntaxIA5         = syntaxPrefix + "26"
	syntaxInteger     = syntaxPrefix + "27"
	syntaxNameAndUID  = syntaxPrefix + "34"
	syntaxNumeric     = syntaxPrefix + "36"
	syntaxOID         = syntaxPrefix + "38"
	syntaxOctets      = syntaxPrefix + "40"
	syntaxPrintable   = syntaxPrefix + "44"
	syntaxTelephone   = syntaxPrefix + "50"
	syntaxCSN         = "1.3.6.1.4.1.4203.666.11.2.1"
	syntaxUUID        = "1.3.6.1.1.16.1"
	syntaxLargeNumber = "1.2.840.113556.1.4.906"
)

var matchingRules = map[string]*rule{}

func init() {
	for _, r := range []rule{
		{"2.5.13.0", "objectIdentifierMatch", syntaxOID, normalOID, strings.Compare},
		{"2.5.13.1", "distinguishedNameMatch", syntaxDN, normalDN, strings.Compare},
		{"2.5.13.2", "caseIgnoreMatch", syntaxDirectory, normalIgnoreCase, strings.Compare},
		{"2.5.13.3", "caseIgnoreOrderingMatch", syntaxDirectory, normalIgnoreCase, strings.Compare},
		{"2.5.13.4", "caseIgnoreSubstringsMatch", syntaxPrefix + "58", normalIgnoreCase, nil},
		{"2.5.13.5", "caseExactMatch", syntaxDirectory, normalExact, strings.Compare},
		{"2.5.13.6", "caseExactOrderingMatch", syntaxDirectory, normalExact, strings.Compare},
		{"2.5.13.7", "caseExactSubstringsMatch", syntaxPrefix + "58", normalExact, nil},
		{"2.5.13.8", "numericStringMatch", syntaxNumeric, normalDigits, strings.Compare},
		{"2.5.13.9", "numericStringOrderingMatch", syntaxNumeric, normalDigits, strings.Compare},
		{"2.5.13.10", "numericStringSubstringsMatch", syntaxPrefix + "58", normalDigits, nil},
		{"2.5.13.11", "caseIgnoreListMatch", syntaxPrefix + "41", normalIgnoreCase, strings.Compare},
		{"2.5.13.12", "caseIgnoreListSubstringsMatch", syntaxPrefix + "58", normalIgnoreCase, nil},
		{"2.5.13.13", "booleanMatch", syntaxBoolean, normalBoolean, strings.Compare},
		{"2.5.13.14", "integerMatch", syntaxInteger, normalInteger, compareIntegers},
		{"2.5.13.15", "integerOrderingMatch", syntaxInteger, normalInteger, compareIntegers},
		{"2.5.13.16", "bitStringMatch", syntaxPrefix + "6", normalOctets, strings.Compare},
		{"2.5.13.17", "octetStringMatch", syntaxOctets, normalOctets, strings.Compare},
		{"2.5.13.18", "octetStringOrderingMatch", syntaxOctets, normalOctets, strings.Compare},
		{"2.5.13.19", "octetStringSubstringsMatch", syntaxOctets, normalOctets, nil},
		{"2.5.13.20", "telephoneNumberMatch", syntaxTelephone, normalTelephone, strings.Compare},
		{"2.5.13.21", "telephoneNumberSubstringsMatch", syntaxPrefix + "58", normalTelephone, nil},
		{"2.5.13.23", "uniqueMemberMatch", syntaxNameAndUID, normalDN, strings.Compare},
		{"2.5.13.27", "generalizedTimeMatch", syntaxTime, normalTime, strings.Compare},
		{"2.5.13.28", "generalizedTimeOrderingMatch", syntaxTime, normalTime, strings.Compare},
		{"2.5.13.30", "objectIdentifierFirstComponentMatch", syntaxOID, normalFirstComponent, strings.Compare},
		{"1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", syntaxIA5, normalExactASCII, strings.Compare},
		{"1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", syntaxIA5, normalIgnoreCaseASCII, strings.Compare},
		{"1.3.6.1.4.1.1466.109.114.3", "caseIgnoreIA5SubstringsMatch", syntaxIA5, normalIgnoreCaseASCII, nil},
		{"1.3.6.1.4.1.4203.1.2.1", "caseExactIA5SubstringsMatch", syntaxIA5, normalExactASCII, nil},
		{"1.3.6.1.4.1.4203.666.11.2.2", "CSNMatch", syntaxCSN, normalOctets, strings.Compare},
		{"1.3.6.1.4.1.4203.666.11.2.3", "CSNOrderingMatch", syntaxCSN, normalOctets, strings.Compare},
		{"1.3.6.1.1.16.2", "UUIDMatch", syntaxUUID, normalUUID, strings.Compare},
		{"1.3.6.1.1.16.3", "UUIDOrderingMatch", syntaxUUID, normalUUID, strings.Compare},
	} {
		matchingRules[strings.ToLower(r.name)] = &r
		matchingRules[r.oid] = &r
	}
}

// ruleOfSyntax is how Active Directory matches, where no rule is named.
func ruleOfSyntax(syntax string) *rule {
	name := "caseignorematch"
	switch syntax {
	case syntaxDN:
		name = "distinguishednamematch"
	case syntaxInteger, syntaxLargeNumber:
		name = "integermatch"
	case syntaxBoolean:
		name = "booleanmatch"
	case syntaxOctets:
		name = "octetstringmatch"
	case syntaxTime:
		name = "generalizedtimematch"
	case syntaxOID:
		name = "objectidentifiermatch"
	}
	return matchingRules[name]
}
