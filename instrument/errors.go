// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Errors that callers branch on. A server's own answer is an *ldap.Error with its result code, reachable with errors.As
// behind every one of them where the server gave one.
var (
	// ErrIncomplete marks a search whose end was never seen: what came so far must not be taken for the whole.
	ErrIncomplete = errors.New("search ended without a final answer")
	// ErrConnection marks a connection that cannot be used any more; the operation may or may not have happened.
	ErrConnection = errors.New("connection lost")
	// ErrTimeout marks a wait that a limit ended; context.DeadlineExceeded is in the chain where that was the context's
	// deadline or Timeouts.Total.
	ErrTimeout = errors.New("no answer in time")
	// ErrMalformed marks an answer that is no valid LDAP and was refused; the connection is closed.
	ErrMalformed = wire.ErrMalformed
	// ErrLimit marks an answer beyond the limits of Scope or of the request; the connection is closed.
	ErrLimit = wire.ErrLimit
	// ErrNotSent marks a request that was refused before it left, such as a filter that does not parse.
	ErrNotSent = errors.New("request was not sent")
	// ErrRepeatedCookie marks a server that sent the same paging cookie twice and would never come to an end.
	ErrRepeatedCookie = errors.New("server repeats a paging cookie")
)

// DisconnectError is a notice of disconnection (RFC 4511 section 4.4.1): the server's own reason for ending the connection.
type DisconnectError struct {
	Code   int64
	Server string
}

func (e *DisconnectError) Error() string {
	return fmt.Sprintf("server %s ends the connection: %s (%d)", e.Server, CodeName(e.Code), e.Code)
}

// Is makes a notice of disconnection an ErrConnection.
func (e *DisconnectError) Is(target error) bool { return target == ErrConnection }

// OperationError says which operation failed where. It never holds a filter, a value or a credential.
type OperationError struct {
	Kind   Kind
	Domain string
	Server string
	Err    error
}

func (e *OperationError) Error() string {
	where := e.Server
	if e.Domain != "" {
		where = e.Domain + " (" + e.Server + ")"
	}
	return fmt.Sprintf("%s on %s: %v", e.Kind, where, e.Err)
}

// Unwrap returns the reason.
func (e *OperationError) Unwrap() error { return e.Err }

func isMalformed(err error) bool {
	return errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrLimit)
}

// ResultCode returns the LDAP result code in err, and false when no server answered.
func ResultCode(err error) (int64, bool) {
	var answer *ldap.Error
	if !errors.As(err, &answer) || errors.Is(err, ldap.ErrMalformedPacket) { // the latter has a code that servers may send
		return 0, false
	}
	switch answer.ResultCode {
	case ldap.ErrorNetwork, ldap.ErrorFilterCompile, ldap.ErrorFilterDecompile, ldap.ErrorDebugging, ldap.ErrorUnexpectedMessage,
		ldap.ErrorUnexpectedResponse, ldap.ErrorEmptyPassword: // the driver's own, which no server sends
		return 0, false
	}
	return int64(answer.ResultCode), true
}

// Broken reports whether the connection that gave err can no longer be used.
func Broken(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, ErrNotSent) {
		return false
	}
	code, answered := ResultCode(err)
	return !answered || code == ldap.LDAPResultBusy || code == ldap.LDAPResultUnavailable
}

// transport gives a failure without an answer its typed reason: the context's, the connection's, then the driver's.
func transport(ctx context.Context, conn *Conn, err error) error {
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	cause := conn.ended()
	switch {
	case cause == nil:
		return fmt.Errorf("%w: %w", ErrConnection, err)
	case isMalformed(cause):
		return cause
	case failureOf(cause) == ErrorTimeout:
		return fmt.Errorf("%w: %w", ErrTimeout, cause)
	}
	return fmt.Errorf("%w: %w", ErrConnection, cause)
}

// endedBy is the cause of a context that ended because another one did, of which it is not made.
type endedBy struct{ context.Context } //nolint:containedctx // to be asked why it ended

func (e *endedBy) Error() string { return e.Err().Error() }

// ender returns the context that ended, which is another one than ctx where that ended for its sake.
func ender(ctx context.Context) context.Context {
	var by *endedBy
	if errors.As(context.Cause(ctx), &by) {
		return by.Context
	}
	return ctx
}

// contextError returns why a context ended, with ErrTimeout in the chain for a deadline.
func contextError(ctx context.Context) error {
	ctx = ender(ctx)
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}
