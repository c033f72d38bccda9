// SPDX-License-Identifier: MIT

package instrument

import (
	"errors"
	"fmt"
	"time"
)

// tlsHandshake is the first byte of a TLS record that opens a handshake; no LDAPMessage starts with it.
const tlsHandshake = 0x16

// goBlind gives up observation: the application encrypts above this connection, so that only ciphertext passes from here.
// Whoever encrypts calls it, so that the row shows the line to change.
func (c *Conn) goBlind() error {
	if c.framer.Buffered() > 0 {
		err := fmt.Errorf("%w: bytes in clear text behind the answer to StartTLS", ErrMalformed)
		c.fail(err)
		_ = c.raw.Close()
		return err
	}
	c.blind.Store(true)
	c.reader.want()
	_ = c.raw.SetDeadline(time.Time{}) // who encrypts has deadlines of its own
	rec := newRecord()
	var stack callStack
	walk(&stack)
	rec.stack = c.scope.stacks.one(&stack, nil)
	c.notice(Extended{Name: blindText}, rec, time.Now(), &ending{state: StateDone, result: &Result{}})
	return nil
}

// errBlind is why a Client of a connection on which the application encrypts by itself sends nothing: what comes back could
// not be proved to be whole.
var errBlind = errors.New("the application encrypts this connection itself, so that its answers cannot be read: use Client.StartTLS, or Scope.Dial with WithStartTLS")

const blindText = "blind since TLS: let Scope.Dial or Client.StartTLS encrypt, so that operations stay visible"
