// SPDX-License-Identifier: MIT

package panel

import (
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// TestPace walks a reader through falling behind and catching up.
func TestPace(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Unix(0, 0)
	check := func(when string, want paceLevel) {
		t.Helper()
		if got := p.level(now); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	check("at first", paceLive)
	p.acked(0)
	p.wrote(10, now)
	now = now.Add(900 * time.Millisecond)
	check("acknowledged soon enough", paceLive)
	now = now.Add(200 * time.Millisecond)
	check("a second behind", paceCoalesced)
	p.wrote(20, now)
	p.acked(10)
	check("at once after", paceCoalesced)
	now = now.Add(2600 * time.Millisecond)
	check("further behind", paceSampled)
	now = now.Add(4 * time.Second)
	check("far behind", paceSummary)
	p.acked(20)
	p.wrote(20, now)
	now = now.Add(time.Second)
	check("caught up a second ago", paceSummary)
	now = now.Add(2100 * time.Millisecond)
	check("caught up three seconds ago", paceSampled)
	now = now.Add(3100 * time.Millisecond)
	check("three more", paceCoalesced)
	now = now.Add(3100 * time.Millisecond)
	check("three more again", paceLive)
	now = now.Add(time.Hour)
	p.wrote(20, now.Add(-time.Hour)) // numbers alone were sent: nothing new to acknowledge
	check("long after, nothing was sent", paceLive)
	p.slow = 60 * time.Millisecond
	check("a slow write", paceCoalesced)
}

func TestPaceWithoutAcks(t *testing.T) {
	t.Parallel()
	var p pace
	p.wrote(10, time.Unix(0, 0))
	if got := p.level(time.Unix(3600, 0)); got != paceLive {
		t.Errorf("a reader that acknowledges nothing is at %s", got)
	}
}

// TestPaceIsBounded holds what is remembered of a reader that never acknowledges.
func TestPaceIsBounded(t *testing.T) {
	t.Parallel()
	var p pace
	for i := range uint64(100_000) {
		p.wrote(i+1, time.Unix(0, 0))
	}
	if len(p.unacked) > mostUnacked {
		t.Errorf("%d frames are remembered", len(p.unacked))
	}
}

func TestLevelsLeaveOut(t *testing.T) {
	t.Parallel()
	plain := instrument.Operation{State: instrument.StateDone, Duration: time.Millisecond}
	running, failed, slow, repeated := plain, plain, plain, plain
	running.State = instrument.StateRunning
	failed.Result.Error = "timeout"
	slow.Duration = time.Second
	repeated.Repeat = 1
	tests := []struct {
		name string
		op   instrument.Operation
		out  [4]bool // by level
	}{
		{"plain", plain, [4]bool{false, false, true, true}},
		{"running", running, [4]bool{false, true, true, true}},
		{"failed", failed, [4]bool{}},
		{"slow", slow, [4]bool{}},
		{"repeated", repeated, [4]bool{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for level, want := range tt.out {
				if got := paceLevel(level).leavesOut(&tt.op); got != want {
					t.Errorf("left out at %s: %v, want %v", paceLevel(level), got, want)
				}
			}
		})
	}
}
