// SPDX-License-Identifier: MIT

package ldaptest

import (
	"fmt"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Result codes of RFC 4511 appendix A and of the extensions that the directory knows.
const (
	codeSuccess             = 0
	codeOperationsError     = 1
	codeProtocolError       = 2
	codeTimeLimit           = 3
	codeSizeLimit           = 4
	codeCompareFalse        = 5
	codeCompareTrue         = 6
	codeAuthMethod          = 7
	codeStrongerAuth        = 8
	codeReferral            = 10
	codeCriticalExtension   = 12
	codeSASLInProgress      = 14
	codeNoSuchAttribute     = 16
	codeUndefinedType       = 17
	codeInappropriateMatch  = 18
	codeConstraint          = 19
	codeValueExists         = 20
	codeInvalidSyntax       = 21
	codeNoSuchObject        = 32
	codeInvalidDN           = 34
	codeInvalidCredentials  = 49
	codeInsufficientAccess  = 50
	codeUnavailable         = 52
	codeUnwilling           = 53
	codeNamingViolation     = 64
	codeClassViolation      = 65
	codeNotAllowedOnNonLeaf = 66
	codeAlreadyExists       = 68
	codeClassModsProhibited = 69
	codeAffectsMultiple     = 71
	codeCanceled            = 118
	codeNoSuchOperation     = 119
	codeAssertionFailed     = 122
)

// refuse is an answer with a code and what the server says beside it.
func refuse(code int64, format string, args ...any) *wire.Reply {
	return &wire.Reply{Code: code, Diagnostic: fmt.Sprintf(format, args...)}
}
