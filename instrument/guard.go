// SPDX-License-Identifier: MIT

package instrument

// Guard is asked about every request just before it would leave; an error keeps it back, and the caller gets ErrNotSent
// with that error behind it. oid is that of an extended operation and "" for every other kind. A guard is called with
// nothing locked, by the goroutine that sends, and must not use the connection.
type Guard func(kind Kind, oid string) error

// WithGuard sets the guard of a connection. It also holds for code that uses Client.Conn.
func WithGuard(g Guard) DialOption { return func(o *dialOptions) { o.guard = g } }

// refuses asks the guard about a request.
func (c *Conn) refuses(v *requestView) error {
	if c.guard == nil {
		return nil
	}
	return c.guard(v.kind, string(v.extended.OID))
}
