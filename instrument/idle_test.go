// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// mute reads what is asked and never answers.
func mute(s *session) { _, _ = io.Copy(io.Discard, s.conn) }

// A server that has gone silent is noticed as soon while it is asked again and again.
func TestSilenceUnderSteadySending(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, instrument.New(), mute, instrument.WithTimeouts(instrument.Timeouts{Idle: time.Second}))
		start := time.Now()
		ended := make(chan error, 20)
		for range cap(ended) {
			go func() { _, err := c.Search(context.WithoutCancel(t.Context()), search("(uid=a)")); ended <- err }()
			<-time.After(300 * time.Millisecond)
			if len(ended) > 0 {
				break
			}
		}
		if took := time.Since(start); took > 1300*time.Millisecond {
			t.Errorf("the first search ended after %v, the limit is 1s", took)
		}
		if err := <-ended; !errors.Is(err, instrument.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

// To give operations up does not put the end of a silent server off either while another one waits; and where nobody waits,
// silence is no end.
func TestSilenceUnderSteadyAbandoning(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]bool{"another waits": true, "nobody waits": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer far.Close()
				go func() { _, _ = io.Copy(io.Discard, far) }() // ends with the pipe
				w := &wired{t: t, conn: instrument.New().Wrap(near, instrument.WithTimeouts(instrument.Timeouts{Idle: time.Second}))}
				start := time.Now()
				ended := make(chan error, 1)
				go func() { _, err := w.conn.Read(make([]byte, 1)); ended <- err }()
				if waits {
					w.start("cn=waits")
				}
				for range 6 {
					w.abandon(w.start("cn=a"))
					<-time.After(300 * time.Millisecond)
					if len(ended) > 0 {
						break
					}
				}
				if !waits {
					<-time.After(2 * time.Second)
				}
				if took, over := time.Since(start), len(ended) > 0; over != waits || waits && took > 1300*time.Millisecond {
					t.Errorf("ended %v after %v, the limit is 1s", over, took)
				}
				_ = w.conn.Close()
				<-ended
			})
		})
	}
}
