// SPDX-License-Identifier: MIT

package instrument

//go:generate go test -run TestSchemaDocument -update .

// SchemaVersion is raised whenever a name below changes.
const SchemaVersion = "1"

// Attribute keys of spans; schema.md is made of them and of what stands behind each: its type, whether it is on metrics too,
// and what it says. Nothing else is ever on a metric.
const (
	attrOperation     = "ldap.operation.name"              // string, metric: kind of operation, such as search or modify_dn
	attrNamespace     = "ldap.namespace"                   // string: naming context that holds the target, once a rootDSE has told
	attrServerAddress = "server.address"                   // string, metric: host, or path of a socket
	attrServerPort    = "server.port"                      // int, metric: port, none for a socket
	attrPeerAddress   = "network.peer.address"             // string: address behind the host
	attrPeerPort      = "network.peer.port"                // int: port behind the host, none for a socket
	attrNetworkType   = "network.type"                     // string: ipv4 or ipv6
	attrTransport     = "network.transport"                // string: tcp or unix
	attrProtocol      = "network.protocol.name"            // string: ldap
	attrProtocolVer   = "network.protocol.version"         // string: 3
	attrStatusCode    = "ldap.response.status_code"        // int, metric: result code (RFC 4511 appendix A), when an answer came
	attrErrorType     = "error.type"                       // string, metric: name of the result code, or timeout, canceled, connection_closed, malformed_packet, dial, tls; of failures only. Of a fault its class
	attrSubCode       = "ldap.response.sub_code"           // string: sub-code of Active Directory, such as 52e
	attrEntries       = "ldap.response.entry_count"        // int: entries of a search
	attrReferences    = "ldap.response.reference_count"    // int: references of a search, none when there were none
	attrPages         = "ldap.response.page_count"         // int: pages of a paged search, on the span around them
	attrScope         = "ldap.search.scope"                // string: base, one, sub or children
	attrDeref         = "ldap.search.deref_aliases"        // int: RFC 4511 section 4.5.1.3, none for 0
	attrSizeLimit     = "ldap.search.size_limit"           // int: entries, none without a limit
	attrTimeLimit     = "ldap.search.time_limit"           // int: seconds, none without a limit
	attrTypesOnly     = "ldap.search.types_only"           // bool: true when names without values were asked for, none otherwise
	attrFilter        = "ldap.search.filter.text"          // string: filter as the level allows, without literals by default
	attrRequested     = "ldap.search.requested_attributes" // string[]: up to 32
	attrBase          = "ldap.search.base"                 // string: from LevelHashes on
	attrDN            = "ldap.dn"                          // string: target of a write or compare, from LevelHashes on
	attrBindDN        = "ldap.bind.dn"                     // string: from LevelHashes on
	attrBindMethod    = "ldap.bind.method"                 // string: simple, anonymous, unauthenticated, sasl or ntlm
	attrMechanism     = "ldap.bind.sasl_mechanism"         // string: such as GSSAPI
	attrChanges       = "ldap.modify.change_count"         // int: changes of a write
	attrChanged       = "ldap.request.attribute_names"     // string[]: attributes that a write changes, up to 32, never their values
	attrCompare       = "ldap.compare.result"              // bool: answer of a compare
	attrExtendedOID   = "ldap.extended.oid"                // string: of an extended operation
	attrExtendedName  = "ldap.extended.name"               // string: its name, where known
	attrControls      = "ldap.request.controls"            // string[]: OIDs, up to 16
	attrAnswered      = "ldap.response.controls"           // string[]: OIDs of the last answer's, up to 16, none when there were none
	attrMessageID     = "ldap.message.id"                  // int: unique within a connection
	attrConnection    = "ldap.connection.id"               // int: unique within a process
	attrSecurity      = "ldap.connection.security"         // string: none, tls or start_tls
	attrPolicyError   = "ldap.password_policy.error"       // string: such as accountLocked
	attrPolicyWarning = "ldap.password_policy.warning"     // string: timeBeforeExpiration or graceAuthNsRemaining
	attrTLSVersion    = "tls.protocol.version"             // string: of the span of connecting
	attrTLSCipher     = "tls.cipher"                       // string: of the span of connecting
	attrTLSResumed    = "tls.resumed"                      // bool: of the span of connecting
	attrDBSystem      = "db.system"                        // string: ldap; like the following with WithDBAttributes alone
	attrDBSystemName  = "db.system.name"                   // string: ldap
	attrDBOperation   = "db.operation.name"                // string: as ldap.operation.name
	attrDBNamespace   = "db.namespace"                     // string: as ldap.namespace
	attrDBQuery       = "db.query.text"                    // string: as ldap.search.filter.text
	attrDBStatus      = "db.response.status_code"          // string: as ldap.response.status_code
	attrPool          = "ldap.client.connection.pool.name" // string, metric: domain
	attrState         = "ldap.client.connection.state"     // string, metric: idle or used
	attrCloseReason   = "ldap.client.connection.reason"    // string, metric: why a pool closed it: idle, lifetime, error, server, poisoned or shutdown
	attrDirection     = "network.io.direction"             // string, metric: transmit or receive
	attrFaultReason   = "ldap.fault.reason"                // string: of the event ldap.fault, in plain words
)

// Metric names, each with its instrument, its unit and what it counts.
const (
	metricDuration  = "ldap.client.operation.duration"          // histogram, s: time from sending an LDAP request to its last answer
	metricEntries   = "ldap.client.response.entries"            // histogram, {entry}: entries that a search returned
	metricSent      = "ldap.client.request.size"                // histogram, By: size of an LDAP request message
	metricReceived  = "ldap.client.response.size"               // histogram, By: size of all answers to one LDAP request
	metricActive    = "ldap.client.active_requests"             // up-down counter, {request}: LDAP requests that wait for an answer
	metricIO        = "ldap.client.connection.io"               // counter, By: bytes on LDAP connections, inside of TLS
	metricReferrals = "ldap.client.referrals"                   // counter, {referral}: referrals and references received, followed or not
	metricCreate    = "ldap.client.connection.create_time"      // histogram, s: time to make a connection, with TLS and its first bind
	metricWait      = "ldap.client.connection.wait_time"        // histogram, s: time to get a connection from a pool that had none free
	metricUse       = "ldap.client.connection.use_time"         // histogram, s: time that one borrower held a connection of a pool
	metricPool      = "ldap.client.connection.open"             // up-down counter, {connection}: connections of a pool by state
	metricPoolMax   = "ldap.client.connection.max"              // up-down counter, {connection}: connections that a pool may have
	metricIdleMax   = "ldap.client.connection.idle.max"         // up-down counter, {connection}: idle connections that a pool keeps at most
	metricIdleMin   = "ldap.client.connection.idle.min"         // up-down counter, {connection}: idle connections that a pool keeps ready
	metricPending   = "ldap.client.connection.pending_requests" // up-down counter, {request}: callers that wait for a connection of a pool
	metricTimeouts  = "ldap.client.connection.timeouts"         // counter, {timeout}: waits for a connection of a pool that ended without one
	metricClosed    = "ldap.client.connection.closed"           // counter, {connection}: connections that a pool closed, by reason
	metricFaults    = "ldap.client.faults"                      // counter, {fault}: faults of servers, networks and accounts by class, each once however many operations meet it
)

// eventFault is the name of the event that tells of a fault on a span.
const eventFault = "ldap.fault"

// ErrorType is the value of error.type for failures that have no result code; those with one use its RFC 4511 name.
type ErrorType = string

// The values of error.type beside the names of result codes.
const (
	ErrorTimeout   ErrorType = "timeout"
	ErrorCanceled  ErrorType = "canceled"
	ErrorClosed    ErrorType = "connection_closed"
	ErrorMalformed ErrorType = "malformed_packet"
	ErrorDial      ErrorType = "dial"
	ErrorTLS       ErrorType = "tls"
)
