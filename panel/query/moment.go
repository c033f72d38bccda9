// SPDX-License-Identifier: MIT

package query

import (
	"errors"
	"strings"
	"time"
)

// moments are the ways to write a moment, with the time that each stands for.
var moments = []struct {
	layout string
	lasts  time.Duration
}{
	{"15:04", time.Minute}, {"15:04:05", time.Second}, {"15:04:05.000", time.Millisecond},
	{"2006-01-02", 24 * time.Hour}, {"2006-01-02T15:04", time.Minute}, {"2006-01-02T15:04:05", time.Second},
}

var errNoMoment = errors.New("a moment is written as 14:02, 14:02:11 or 2026-01-31T14:02")

// at chooses by when an operation started: within a moment, which lasts as long as its last digits say, or from one until
// another. A time without a date is the last one that the clock has shown, in the zone of this program; the end of a range
// is the first one after its beginning.
func at(value string, now time.Time) (matcher, error) {
	low, high, ranged := strings.Cut(value, "..")
	from, lasts, dated, ok := moment(low, now)
	if !ok {
		return nil, errNoMoment
	}
	if !dated && from.After(now) {
		from = from.AddDate(0, 0, -1)
	}
	to := from.Add(lasts)
	if ranged {
		if to, _, dated, ok = moment(high, from); !ok {
			return nil, errNoMoment
		}
		if !dated && to.Before(from) {
			to = to.AddDate(0, 0, 1)
		}
	}
	return func(s Subject) bool { return !s.Operation.Start.Before(from) && s.Operation.Start.Before(to) }, nil
}

// moment reads a moment; one without a date is of the day given.
func moment(text string, day time.Time) (at time.Time, lasts time.Duration, dated, ok bool) {
	for _, m := range moments {
		t, err := time.ParseInLocation(m.layout, text, day.Location())
		if err != nil {
			continue
		}
		if dated = t.Year() != 0; !dated {
			t = time.Date(day.Year(), day.Month(), day.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), day.Location())
		}
		return t, m.lasts, dated, true
	}
	return at, 0, false, false
}
