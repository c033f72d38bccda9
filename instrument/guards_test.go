// SPDX-License-Identifier: MIT

package instrument_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Bytes in clear text behind the answer to StartTLS were not written by whoever holds the key, also where the application
// encrypts above the observer.
func TestStartTLSInjectionAboveTheObserver(t *testing.T) {
	t.Parallel()
	c := piped(t, instrument.New(), then(func(s *session, m wire.Message) {
		var e wire.Encoder
		e.Message(m.ID, func(e *wire.Encoder) { e.Result(wire.ExtendedResponse, wire.Reply{}) }, nil)
		e.Message(m.ID+1, func(e *wire.Encoder) { e.Result(wire.BindResponse, wire.Reply{}) }, nil)
		s.send(e.Bytes...)
	}))
	err := within(patience, func() error {
		return c.Conn().StartTLS(&tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS12})
	})
	if err == nil || !strings.Contains(err.Error(), "clear text") {
		t.Errorf("StartTLS: %v", err)
	}
	if err := c.Err(); !errors.Is(err, instrument.ErrMalformed) {
		t.Errorf("the connection: %v", err)
	}
}

// What comes in parts, and promises to become larger than a message may be, is not put together without end.
func TestPartsAreBounded(t *testing.T) {
	t.Parallel()
	w := wireUp(t, instrument.New(instrument.WithWireLimits(wire.Limits{MessageBytes: 1000})))
	parts := append([]byte{0x30, 0x84, 0, 1, 0, 0}, make([]byte, 1100)...)
	for i := 0; i < len(parts); i += 100 {
		_, err := w.conn.Write(parts[i:min(i+100, len(parts))])
		if err != nil && (!errors.Is(err, instrument.ErrNotSent) || i < 900) {
			t.Fatalf("part at %d: %v", i, err)
		}
		if err != nil {
			w.run(1) // it was dropped, and the connection is as before
			return
		}
	}
	t.Errorf("%d bytes were taken", len(parts))
}
