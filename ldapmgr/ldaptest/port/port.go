// SPDX-License-Identifier: MIT

// Package port keeps TCP ports for tests that let another process listen, that listen again later, or that want nobody to
// listen. The usual way, to listen on port 0 and to close the listener, gives the port back to the system, which may hand it
// to any connection or listener of the machine in between.
package port

// TB is what Reserve needs of a test: *testing.T, *testing.B and *testing.F have it.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Reserve returns the address, 127.0.0.1:port, of a port on which nobody listens and which the system gives to nobody until
// the test ends. Who is told the port can listen on it as often as wanted, if it sets SO_REUSEADDR as Go and most servers
// do. Other systems than Linux cannot keep a port in this way: there it is merely free for the moment.
func Reserve(tb TB) (address string) {
	tb.Helper()
	address, release, err := reserve()
	if err != nil {
		tb.Fatalf("reserve a port: %v", err)
	}
	tb.Cleanup(release)
	return address
}
