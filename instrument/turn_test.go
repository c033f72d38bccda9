// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// The turn to send goes to those who wait in the order in which they came, and past those who gave up.
func TestTurnsGoInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		take, giveBack := instrument.Turn()
		if !take(t.Context()) {
			t.Fatal("a free turn was not to be had")
		}
		const waiting = 6
		var order []int
		var stops [waiting]context.CancelFunc
		for i := range waiting {
			var ctx context.Context
			ctx, stops[i] = context.WithCancel(t.Context())
			go func() {
				if !take(ctx) {
					return
				}
				order = append(order, i)
				time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
				giveBack()
			}()
			synctest.Wait() // each waits before the next one comes
		}
		stops[0]()
		stops[3]()
		synctest.Wait()
		if len(order) > 0 {
			t.Fatalf("%v sent out of turn", order)
		}
		giveBack()
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if take(hurried) {
			t.Error("who came last did not wait")
		}
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		if want := []int{1, 2, 4, 5}; !slices.Equal(order, want) {
			t.Errorf("they sent in the order %v, want %v", order, want)
		}
		if !take(t.Context()) {
			t.Error("the turn was lost")
		}
	})
}

// One alone has the turn, however many ask for it and give up in the moment in which it is theirs.
func TestTurnIsOne(t *testing.T) {
	t.Parallel()
	take, giveBack := instrument.Turn()
	var asking sync.WaitGroup
	var has, had int // guarded by the turn
	for i := range 8 {
		asking.Go(func() {
			for n := range 2000 {
				ctx, cancel := context.WithCancel(t.Context())
				if (n+i)%3 == 0 {
					go cancel()
				}
				if take(ctx) {
					if has++; has != 1 {
						t.Error("two have the turn")
					}
					had++
					has--
					giveBack()
				}
				cancel()
			}
		})
	}
	if err := within(patience, func() error { asking.Wait(); return nil }); err != nil {
		t.Fatal("a turn was lost: ", err)
	}
	if had < 8000 {
		t.Errorf("only %d of 16000 had a turn", had)
	}
}

// A turn that comes to somebody who has just given up goes on to the next one.
func TestTurnOfWhoGaveUp(t *testing.T) {
	t.Parallel()
	take, giveBack := instrument.Turn()
	for round := range 2000 {
		if !take(t.Context()) {
			t.Fatal("a free turn was not to be had")
		}
		ctx, cancel := context.WithCancel(t.Context())
		came := make(chan bool)
		go func() { came <- take(ctx) }()
		for range round % 50 {
			runtime.Gosched() // so that it waits by then, as a rule
		}
		cancel()
		giveBack()
		if <-came {
			giveBack()
		}
		last, stop := context.WithTimeout(t.Context(), patience)
		if !take(last) {
			t.Fatalf("the turn was lost in round %d", round)
		}
		stop()
		giveBack()
	}
}
