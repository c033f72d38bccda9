// SPDX-License-Identifier: MIT

package advice

import (
	"testing"
	"time"
)

// TestUnits holds evidence to the writing of the page, case by case as web/test/format.test.mjs has them.
func TestUnits(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0 µs":      short(0),
		"870 µs":    short(870 * time.Microsecond),
		"1 µs":      short(600 * time.Nanosecond),
		"1.00 ms":   short(time.Millisecond),
		"12.4 ms":   short(12400 * time.Microsecond),
		"48.0 ms":   short(48 * time.Millisecond),
		"163 ms":    short(162600 * time.Microsecond),
		"999 ms":    short(999499 * time.Microsecond),
		"1.00 s":    short(999500 * time.Microsecond),
		"1.23 s":    short(1234 * time.Millisecond),
		"2 min 5 s": short(125 * time.Second),
		"1 min 0 s": short(59999900*time.Microsecond + 100*time.Microsecond),
		"2 h 3 min": short(2*time.Hour + 3*time.Minute),
		"999 B":     size(999),
		"1.00 kB":   size(1000),
		"1.00 MB":   size(999_600),
		"26.5 MB":   size(26_500_000),
		"2.50 PB":   size(2_500_000_000_000_000),
		"5000 PB":   size(5_000_000_000_000_000_000),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
