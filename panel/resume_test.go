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
