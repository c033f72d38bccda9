// SPDX-License-Identifier: MIT

package instrument

// Security is how the connection of an operation was protected when the operation was sent.
type Security uint8

// The ways to protect a connection. A unix socket and what an application encrypts below a wrapped connection count as none.
const (
	SecurityNone Security = iota
	SecurityTLS           // from the first byte
	SecurityStartTLS
)

var securityNames = [...]string{"none", "tls", "start_tls"}

// String returns the name used in spans, JSON and queries.
func (s Security) String() string {
	if int(s) < len(securityNames) {
		return securityNames[s]
	}
	return "unknown"
}
