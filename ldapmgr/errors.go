// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// Errors that callers branch on, with errors.Is. A server's own answer stays reachable as *ldap.Error with errors.As.
var (
	// ErrUnknownDomain marks a name that no configured domain and no alias has.
	ErrUnknownDomain = errors.New("unknown domain")
	// ErrInvalidCredentials marks a user's name or password that the server refused.
	ErrInvalidCredentials = errors.New("name or password refused")
	// ErrServiceAccount marks a service account that a server refused; it is not tried again until its password changes or
	// a cool-down has passed.
	ErrServiceAccount = errors.New("service account refused")
	// ErrReadOnly marks a change that was kept back because the domain is read-only.
	ErrReadOnly = errors.New("domain is read-only")
	// ErrMisuse marks an operation that a connection is not meant for: binding a shared one anew, searching on one for
	// logins, changing something on one for reading where changes have an account of their own.
	ErrMisuse = errors.New("connection is not for this operation")
	// ErrPoolExhausted marks a wait for a free connection that took too long.
	ErrPoolExhausted = errors.New("no connection became free in time")
	// ErrUnavailable marks a domain none of whose servers can be reached.
	ErrUnavailable = errors.New("no server can be reached")
	// ErrOutcomeUnknown marks a change that was sent and never answered: it may or may not have happened. It is not
	// repeated; see OutcomeError.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrNotFound marks an entry that does not exist or that the account may not see.
	ErrNotFound = errors.New("no such entry")
	// ErrReferralLimit marks an answer that is not whole because servers refer to others too often: more than 3 domains
	// behind each other, or more than 32 references for one call.
	ErrReferralLimit = errors.New("referred to other servers too often")
	// ErrClosed marks a Manager that was closed.
	ErrClosed = errors.New("manager is closed")
)

// Error says what was attempted in which domain on which server. It never holds a filter, a value or a credential.
type Error struct {
	Op     string // such as search, bind or connect
	Domain string
	Server string // "" when no server was involved yet
	Err    error
}

func (e *Error) Error() string {
	if e.Server == "" {
		return fmt.Sprintf("%s in %s: %v", e.Op, e.Domain, e.Err)
	}
	return fmt.Sprintf("%s in %s on %s: %v", e.Op, e.Domain, e.Server, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// SubCode returns the reason that Active Directory hides in the message of a refused bind, such as "52e", or "".
func SubCode(err error) string {
	var answer *ldap.Error
	if !errors.As(err, &answer) || answer.Err == nil {
		return ""
	}
	return instrument.SubCode(answer.Err.Error())
}

// Hint says in plain words what a server's answer usually means, for operators: "the account is locked". It is "" without
// an answer. Do not show it to the person who logs in: it tells accounts apart.
func Hint(err error) string {
	var unsigned *unsignedError
	if errors.As(err, &unsigned) {
		return unsigned.hint
	}
	code, ok := instrument.ResultCode(err)
	if !ok {
		return ""
	}
	return instrument.Hint(code, SubCode(err))
}

// saysBusy reports whether a server answered that it cannot do anything now, for nobody.
func saysBusy(err error) bool {
	return answeredWith(err, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable)
}

// answeredWith reports whether a server answered err with one of codes.
func answeredWith(err error, codes ...int64) bool {
	code, ok := instrument.ResultCode(err)
	return ok && slices.Contains(codes, code)
}

// contextError returns why a context ended, with instrument.ErrTimeout in the chain for a deadline.
func contextError(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return fmt.Errorf("%w: %w", instrument.ErrTimeout, context.Cause(ctx))
	}
	return context.Cause(ctx)
}
