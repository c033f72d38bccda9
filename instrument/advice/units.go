// SPDX-License-Identifier: MIT

package advice

import (
	"fmt"
	"strconv"
	"time"
)

// short writes a duration as the page does (duration in web/assets/js/format.js): three digits, a blank and the unit.
func short(d time.Duration) string {
	switch us := float64(d.Round(time.Microsecond).Microseconds()); {
	case us < 1000:
		return fmt.Sprintf("%.0f µs", us)
	case us < 999_500:
		return three(us/1000) + " ms"
	case us < 60_000_000:
		return three(us/1_000_000) + " s"
	}
	s := int(d.Round(time.Second) / time.Second)
	if m := s / 60; m >= 60 {
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	}
	return fmt.Sprintf("%d min %d s", s/60, s%60)
}

// size writes a number of bytes as the page does, in decimal units.
func size(bytes int64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	n := float64(bytes)
	unit := ""
	for _, unit = range []string{"kB", "MB", "GB", "TB", "PB"} {
		if n /= 1000; n < 999.5 { // from which three digits round to the next unit
			break
		}
	}
	return three(n) + " " + unit
}

func three(n float64) string {
	digits := 2
	switch {
	case n >= 100:
		digits = 0
	case n >= 10:
		digits = 1
	}
	return strconv.FormatFloat(n, 'f', digits, 64)
}

// counted writes how many there are, in the words for one or for more.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
