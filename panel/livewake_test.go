// SPDX-License-Identifier: MIT

package panel

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// TestLiveSleepsUntilFlush holds a live connection to be woken once for all changes of one flush: an application makes thousands a second.
func TestLiveSleepsUntilFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := socket{follower: New(Config{Scope: instrument.New()}).follow(), greeted: true}
		changed, ended := make(chan struct{}), make(chan struct{})
		go func() { // ends with ctx
			defer close(ended)
			s.serve(ctx, nil, changed)
		}()
		for n := range 3 {
			changed <- struct{}{}
			synctest.Wait()
			select {
			case changed <- struct{}{}:
				t.Errorf("a change woke the connection that waits for flush %d", n)
			default:
			}
			<-time.After(flushInterval)
			synctest.Wait()
		}
		cancel()
		<-ended
	})
}
