// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"time"
)

// BrakeRuns are syncs of everybody, one after the other, as the brake sees them.
type BrakeRuns struct {
	brake    Brake
	previous Run
}

// BrakeForTest lets a test drive the brake without a directory.
func BrakeForTest(b Brake) *BrakeRuns { return &BrakeRuns{brake: b} }

// Run returns how many of n removals are held.
func (b *BrakeRuns) Run(total, people, n int) int {
	f := findings{
		complete: true, oneServer: true, oneIdentity: true, people: people, baseline: total, previous: b.previous, now: time.Now(),
		totals: map[removalKind]int{removeUser: total},
	}
	held, wanted := b.brake.decide(f, removalsForTest(n))
	b.previous = Run{At: f.now, People: people, Wanted: wanted}
	return len(held)
}

func removalsForTest(n int) (all []removal) {
	for i := range n {
		all = append(all, removal{removeUser, fmt.Sprint(i), ""})
	}
	return all
}

// BrakeFactsForTest is what the brake goes by.
type BrakeFactsForTest struct {
	Complete, OneServer, OneIdentity, Sentinel bool
	People, Baseline, Total, Removals          int
	WantedBefore                               time.Duration
	Confirmed                                  int
}

// Decide returns how many of the removals would be made.
func (f BrakeFactsForTest) Decide() int {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	removals := removalsForTest(f.Removals)
	facts := findings{
		complete: f.Complete, oneServer: f.OneServer, oneIdentity: f.OneIdentity, people: f.People, baseline: f.Baseline, now: now,
		totals: map[removalKind]int{removeUser: f.Total}, confirmed: f.Confirmed, previous: Run{Wanted: map[string]time.Time{}},
	}
	if !f.Sentinel {
		facts.sentinel = "no"
	}
	for _, r := range removals {
		facts.previous.Wanted[r.id()] = now.Add(-f.WantedBefore)
	}
	held, _ := builtInSync.Brake.decide(facts, removals)
	return len(removals) - len(held)
}
