// SPDX-License-Identifier: MIT

package panel_test

import (
	"fmt"
	"testing"

	"github.com/ldapscope/ldapscope/panel"
)

// reaches reads batches until a number.
func (b *browser) reaches(to uint64) {
	b.t.Helper()
	for b.hears("batch").To < to {
		continue
	}
}

// TestResumeTakesEverything lets a reader come back after another has read in several turns: the frames of those turns are
// kept for it, and the last of them is not the end of what it has to read.
func TestResumeTakesEverything(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	s.runs(t)
	steady, away := s.opens(t), s.opens(t)
	for _, b := range []*browser{steady, away} {
		b.says(`{"type":"hello"}`)
		b.hears("backfill")
	}
	away.says(`{"type":"pause"}`)
	away.says(`{"type":"nonsense"}`) // its answer tells that the pause has been read
	away.hears("problem")
	for i := range 5 {
		ctx, end := s.scope.Job(t.Context(), "turn")
		s.search(t, ctx, fmt.Sprintf("(sAMAccountName=turn%d)", i), "cn")
		end()
		steady.reaches(s.scope.Recorder().Stats().Last)
	}
	away.says(`{"type":"resume"}`)
	away.reaches(s.scope.Recorder().Stats().Last)
}

// TestOlder: a page begins with the newest operations and is told after which change. What was before that can be asked for, and nothing of it
// is missing or comes twice.
func TestOlder(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	s.runs(t)
	const many = 1200
	for range many {
		s.search(t, t.Context(), "(sAMAccountName=ada)", "cn")
	}
	b := s.opens(t)
	for _, q := range []string{"", "op:search"} {
		b.says(fmt.Sprintf(`{"type":"hello","q":%q}`, q))
		begin := b.hears("backfill")
		if !begin.More || len(begin.Operations) != 500 {
			t.Fatalf("%q begins with %d operations, more %v", q, len(begin.Operations), begin.More)
		}
		seen := map[uint64]bool{}
		for _, op := range begin.Operations {
			seen[uint64(op["seq"].(int64))] = true
		}
		var older struct {
			Operations []struct{ Seq, Updated uint64 } `json:"operations"`
		}
		s.get(t, "/api/v1/operations?limit=5000&q="+q, &older)
		for _, op := range older.Operations {
			if before := op.Updated <= begin.From; before == seen[op.Seq] {
				t.Fatalf("%q: operation %d, changed by %d, is listed: %v, and older than %d: %v", q, op.Seq, op.Updated, seen[op.Seq], begin.From, before)
			}
		}
		if n := len(older.Operations); n < many {
			t.Errorf("%q: the program has %d operations", q, n)
		}
	}
	b.says(`{"type":"query","q":"op:bind"}`)
	if few := b.hears("backfill"); few.More || len(few.Operations) == 0 {
		t.Errorf("%d binds, more %v", len(few.Operations), few.More)
	}
}
