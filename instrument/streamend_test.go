// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// A stream ends with its own context, with that of With and with the time of SetTimeout, and what is told of it is the reason
// of whichever ended.
func TestStreamEndsWithEachOfItsContexts(t *testing.T) {
	t.Parallel()
	forgotten := errors.New("nobody looks any more")
	limited := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Second)
	}
	cancelled := func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(time.Second, func() { cancel(forgotten) })
		return ctx, func() { cancel(nil) }
	}
	free := func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }
	tests := []struct {
		name        string
		outer, self func(context.Context) (context.Context, context.CancelFunc)
		limit       time.Duration
		timeout     bool
	}{
		{"deadline of its own", free, limited, 0, true},
		{"deadline of With", limited, free, 0, true},
		{"the same deadline for both", limited, limited, 0, true},
		{"SetTimeout", free, free, time.Second, true},
		{"SetTimeout before a deadline", limited, free, time.Second / 2, true},
		{"cancelled", free, cancelled, 0, false},
		{"With cancelled", cancelled, free, 0, false},
		{"With cancelled before SetTimeout", cancelled, free, 2 * time.Second, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				scope := instrument.New()
				c := piped(t, scope, mute)
				outer, stop := test.outer(t.Context())
				defer stop()
				self, stop := test.self(t.Context())
				defer stop()
				w := c.With(outer)
				w.SetTimeout(test.limit)
				start := time.Now()
				_, err := drain(w.SearchAsync(self, search("(uid=a)"), 1))
				want := time.Second
				if test.limit > 0 {
					want = min(want, test.limit)
				}
				if took := time.Since(start); took != want {
					t.Errorf("it ended after %v, want %v", took, want)
				}
				if deadline := errors.Is(err, context.DeadlineExceeded); deadline != test.timeout || errors.Is(err, context.Canceled) == test.timeout ||
					errors.Is(err, instrument.ErrTimeout) != test.timeout || errors.Is(err, forgotten) == test.timeout {
					t.Errorf("error %v", err)
				}
				state, usage := instrument.StateAbandoned, scope.Snapshots()[0].Usage
				if test.timeout {
					state = instrument.StateTimeout
				}
				if op := only(t, scope, instrument.KindSearch); op.State != state || (usage.Timeouts == 1) != test.timeout || (usage.Abandoned == 1) == test.timeout {
					t.Errorf("recorded as %v, %d timeouts, %d abandoned", op.State, usage.Timeouts, usage.Abandoned)
				}
			})
		})
	}
}

// A stream whose reader has stopped ends in peace: by its limit on time, or closed by the application. What the goroutine that
// reads still has for it is dropped.
func TestStreamWithoutItsReader(t *testing.T) {
	t.Parallel()
	for name, closed := range map[string]bool{"closed": true, "timeout": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := piped(t, instrument.New(), func(s *session) {
				m, _ := s.next()
				for range 20 {
					s.entry(m, "uid=a", "uid", "a")
				}
				mute(s)
			})
			driver, client := c.Conn(), c.With(t.Context())
			if !closed {
				client.SetTimeout(50 * time.Millisecond)
			}
			r := client.SearchAsync(t.Context(), search("(uid=a)"), 1)
			if !r.Next() {
				t.Fatal(r.Err())
			}
			if closed {
				go driver.Close()
			}
			<-time.After(200 * time.Millisecond) // the reader does not come back before the driver has given up
			if n, err := drain(r); err == nil || n > 5 {
				t.Errorf("%d more entries, %v", n, err)
			}
			if r.Next() {
				t.Error("something came behind the end")
			}
			_ = within(100*time.Millisecond, func() error { return c.Delete(t.Context(), deletion("/a")) })
			if err := driver.GetLastError(); err != nil && strings.Contains(err.Error(), "panic") {
				t.Error(err)
			}
		})
	}
}
