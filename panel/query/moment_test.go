// SPDX-License-Identifier: MIT

package query_test

import (
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel/query"
)

// TestMomentsOfTheClock: a time without a date is the last one that the clock has shown, in the zone of the one who asks.
func TestMomentsOfTheClock(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*60*60)
	for _, tt := range []struct {
		query, now, start string
		want              bool
	}{
		{"at:14:02", "21T12:00", "20T14:02", true},
		{"at:14:02", "21T12:00", "21T14:02", false},
		{"at:14:02", "21T15:00", "21T14:02", true},
		{"at:14:02", "21T14:02", "21T14:02", true},
		{"at:23:50..00:10", "21T00:05", "20T23:55", true},
		{"at:23:50..00:10", "21T00:05", "21T00:04", true},
		{"at:23:50..00:10", "21T12:00", "21T00:09", true},
		{"at:23:50..00:10", "21T12:00", "21T00:10", false},
		{"at:23:50..00:10", "21T12:00", "20T00:05", false},
	} {
		read := func(text string) time.Time {
			t.Helper()
			at, err := time.ParseInLocation("2006-01-02T15:04", "2026-11-"+text, zone)
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		q, err := query.Parse(tt.query, read(tt.now))
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Match(query.Subject{Operation: &instrument.Operation{Start: read(tt.start).UTC()}}); got != tt.want {
			t.Errorf("%s at %s matches %s: %t, want %t", tt.query, tt.now, tt.start, got, tt.want)
		}
	}
}
