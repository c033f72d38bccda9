// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

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

// What the reader of a stream takes for itself is not the server's silence, whoever streams; afterwards that counts again.
func TestSlowReaderIsNotSilence(t *testing.T) {
	t.Parallel()
	const entries = 20
	for name, stream := range map[string]func(*instrument.Client, context.Context) ldap.Response{
		"driver": func(c *instrument.Client, ctx context.Context) ldap.Response {
			return c.Conn().SearchAsync(ctx, search("(uid=a)"), 0)
		},
		"observer": func(c *instrument.Client, ctx context.Context) ldap.Response {
			return c.With(ctx).SearchAsync(ctx, search("(uid=a)"), 0)
		},
	} {
		for _, ends := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, server ends %v", name, ends), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := piped(t, instrument.New(), func(s *session) {
						m, _ := s.next()
						for range entries {
							s.entry(m, "uid=a", "uid", "a")
						}
						if ends {
							s.answer(m, 0)
						}
						mute(s)
					}, instrument.WithTimeouts(instrument.Timeouts{Idle: time.Second}))
					n, last, r := 0, time.Now(), stream(c, context.WithoutCancel(t.Context()))
					for r.Next() {
						if n++; n%5 == 1 {
							<-time.After(3 * time.Second)
						}
						last = time.Now()
					}
					if n != entries || (r.Err() == nil) != ends {
						t.Errorf("%d of %d entries, %v", n, entries, r.Err())
					}
					if took := time.Since(last); !ends && took > 2*time.Second {
						t.Errorf("the silence lasted %v, the limit is 1s", took)
					}
				})
			})
		}
	}
}

// A stream of the driver's whose reader pauses does not end the connection for who searches meanwhile.
func TestSearchBesidePausedStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const entries = 14 // as many as the driver takes, the last one in hand, with nobody reading them
		c := piped(t, instrument.New(), func(s *session) {
			m, _ := s.next()
			for range entries {
				s.entry(m, "uid=a", "uid", "a")
			}
			other, _ := s.next()
			s.answer(other, 0)
			s.answer(m, 0)
			mute(s)
		}, instrument.WithTimeouts(instrument.Timeouts{Idle: time.Second}))
		r := c.Conn().SearchAsync(context.WithoutCancel(t.Context()), search("(uid=a)"), 0)
		if !r.Next() {
			t.Fatal(r.Err())
		}
		<-time.After(3 * time.Second)
		if _, err := c.Search(t.Context(), search("(uid=b)")); err != nil {
			t.Errorf("beside it: %v", err)
		}
		if n, err := drain(r); n != entries-1 || err != nil {
			t.Errorf("the stream gave %d more of %d entries, %v", n, entries-1, err)
		}
	})
}

// A search that tells of changes bears silence, whoever sends it; one that only refreshes does not.
func TestSilenceBetweenChanges(t *testing.T) {
	t.Parallel()
	with := func(control ldap.Control) *ldap.SearchRequest {
		r := search("(uid=a)")
		r.Controls = []ldap.Control{ldap.NewControlManageDsaIT(false), control}
		return r
	}
	tests := []struct {
		name    string
		request *ldap.SearchRequest
		lasts   bool
	}{
		{"refresh and persist", with(ldap.NewControlSyncRequest(ldap.SyncRequestModeRefreshAndPersist, []byte("c"), false)), true},
		{"refresh only", with(ldap.NewControlSyncRequest(ldap.SyncRequestModeRefreshOnly, nil, false)), false},
		{"no mode", with(ldap.NewControlString(ldap.ControlTypeSyncRequest, false, "\x30\x00")), false},
		{"persistent search", with(ldap.NewControlString("2.16.840.1.113730.3.4.3", true, "\x30\x09\x02\x01\x0f\x01\x01\xff\x01\x01\xff")), true},
		{"notification", with(ldap.NewControlMicrosoftNotification()), true},
		{"some other control", with(ldap.NewControlPaging(5)), false},
	}
	for _, test := range tests {
		for _, driver := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, by the driver %v", test.name, driver), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := piped(t, instrument.New(), func(s *session) {
						m, _ := s.next()
						s.entry(m, "uid=a", "uid", "a")
						<-time.After(time.Hour)
						s.entry(m, "uid=b", "uid", "b")
						s.answer(m, 0)
						mute(s)
					}, instrument.WithTimeouts(instrument.Timeouts{Idle: time.Minute}))
					ctx := context.WithoutCancel(t.Context())
					stream := c.With(ctx).SearchAsync
					if driver {
						stream = c.Conn().SearchAsync
					}
					if n, err := drain(stream(ctx, test.request, 1)); (n == 2) != test.lasts || (err == nil) != test.lasts {
						t.Errorf("%d of 2 entries, %v", n, err)
					}
				})
			})
		}
	}
}

// What was given up so long ago that it is forgotten does not keep silence from being noticed.
func TestSilenceAfterManyAbandoned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go func() { _, _ = io.Copy(io.Discard, far) }() // ends with the pipe
		w := &wired{t: t, conn: instrument.New().Wrap(near, instrument.WithTimeouts(instrument.Timeouts{Idle: time.Second}))}
		for range 1100 {
			w.abandon(w.start("cn=a"))
		}
		w.start("cn=waits")
		ended := make(chan error, 1)
		go func() { _, err := w.conn.Read(make([]byte, 1)); ended <- err }()
		<-time.After(2 * time.Second)
		if len(ended) == 0 {
			t.Error("the silence is not noticed")
		}
		_ = w.conn.Close()
		<-ended
	})
}
