// SPDX-License-Identifier: MIT

// Package instrument sees every LDAP operation of a Go program on the wire: what was asked, what came back, and where the
// time went. It keeps the newest of them for a live page, counts all of them per domain, and tells OpenTelemetry. Its
// client takes a context, proves that a search is complete, and costs less than the driver that it stands on.
//
//	scope := instrument.New()
//	client, err := scope.Dial(ctx, "ldaps://dc1.example.org", instrument.WithDomain("EXAMPLE"))
//	err = client.Bind(ctx, name, password)
//	result, err := client.Search(ctx, request)
//	changes := scope.Recorder().Latest(100)
//
// [Client.Conn] is a real *ldap.Conn and [Client.With] an ldap.Client for code that takes those; [Scope.Wrap] observes a
// connection that exists. [Scope.Middleware] and [Scope.Job] gather operations under an HTTP request or a job, [Step]
// names what the application is doing. [Scope.Declare], Faulted, Followed and Retried, [Client.Waited] and Lent are for
// packages that pool connections, such as ldapmgr.
//
// # What is recorded, and what never is
//
// Kind, target, filter, attributes, changes, controls, result, the first entries of a search, sizes, times, the caller's
// stack, the connection. How much of filters, names and values stays readable is one [Level]: [LevelValues] for the
// recorder and [LevelShapes] for spans unless told otherwise. Kept at no level: the credentials of a bind, the values of a
// password modify (RFC 3062), and the values of attributes for which [SecretAttribute] is true, in entries, changes,
// comparisons and filters alike.
//
// # Spans and metrics
//
// A span is of kind CLIENT and named by the operation and the naming context, such as "search dc=example,dc=org"; never by a
// DN or a filter. A search over several pages and a bind in several messages have an INTERNAL parent; making a connection is
// a span of its own, with children for its stages. Every name, with its type and meaning, stands in schema.md. What a sampler
// may decide by is there from the start: operation, naming context and server; the rest is set when the span ends. A span
// begins when its message leaves; a short message is on its way by then. Package spanburst makes ended spans cheap.
//
// error.type is the RFC 4511 name of the result code, or one of the Error constants. A refused password of a person (see
// [Client.BindUser]) leaves the span's status unset: it is an outcome and no fault.
//
// # Concurrency
//
// A [Scope] and its [Recorder] may be used from any goroutine, and so may a [Client]: a call holds the turn to send until
// the wire has seen its message leave, so that the message belongs to the call's context. A bind should have the
// connection to itself (RFC 4511 section 4.2.1). Goroutines are those of go-ldap, which end with their
// connection, and one for each stream, such as [ContextClient.SearchAsync]. A cancelled context sends an Abandon and closes the connection.
//
// # Errors
//
//	failure                                       errors.Is, errors.As
//	the server answers with an error              *ldap.Error; see ResultCode
//	no answer within a limit or deadline          ErrTimeout, context.DeadlineExceeded for the caller's own
//	the context was cancelled                     context.Canceled
//	the connection ended                          ErrConnection; *DisconnectError for the server's own reason
//	an answer that is no LDAP, or not to this     ErrMalformed
//	an answer beyond a limit                      ErrLimit
//	a search without a final answer               ErrIncomplete
//	a paging cookie that comes twice              ErrRepeatedCookie
//	a request refused before it left              ErrNotSent; *wire.FilterError for a filter
//	no connection                                 *DialError with the stage
//
// All but the last are wrapped in an [*OperationError], which names operation, domain and server. No text of an error holds
// a credential, a filter or a value of the request. [Broken] tells whether the connection can still be used.
package instrument
