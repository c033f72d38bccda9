// SPDX-License-Identifier: MIT

package instrument_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// The time is exact whatever its reading is made of, and the clock on the wall is read anew when the last reading is old.
func TestClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now, last := instrument.Clock()
		for i, step := range []struct {
			passes time.Duration
			anew   bool
		}{{0, true}, {0, false}, {instrument.WallAge - 1, false}, {0, false}, {1, true}, {time.Hour, true}, {instrument.WallAge / 2, false}} {
			before := last()
			time.Sleep(step.passes) //nolint:forbidigo // the bubble's clock
			want := time.Now()
			if got := now(); !got.Equal(want) || got.Sub(want) != 0 {
				t.Errorf("step %d: it is %v, want %v", i, got, want)
			}
			if anew := last() != before; anew != step.anew {
				t.Errorf("step %d: read anew: %t", i, anew)
			}
		}
	})
}
