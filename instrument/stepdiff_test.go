// SPDX-License-Identifier: MIT

package instrument_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

// differences are of each kind, with the secret wherever it must not show: in the field that is known for it, in one that
// says so, and, for whoever may not see values, everywhere else.
func differences() []instrument.Difference {
	old, now, hidden := "old-"+secret, "new-"+secret, secret
	return []instrument.Difference{
		{Of: "ada-" + secret, How: instrument.DiffChanged, What: "field", Name: "mail", From: &old, To: &now},
		{Of: "ada-" + secret, How: instrument.DiffAdded, What: "group", To: &now},
		{Of: "ada-" + secret, How: instrument.DiffHeld, What: "group", From: &old, Reason: "cannot see " + secret},
		{Of: "ada", How: instrument.DiffChanged, What: "field", Name: "userPassword", From: &hidden, To: &hidden},
		{Of: "ada", How: instrument.DiffAdded, What: "field", Name: "pin", To: &hidden, Secret: true},
	}
}

func diffsAt(t *testing.T, level instrument.Level) (instrument.StepRun, string) {
	t.Helper()
	scope := instrument.New(instrument.WithPolicy(instrument.Policy{Level: level}))
	ctx, end := scope.Job(t.Context(), "sync")
	step, endStep := instrument.Step(ctx, "sync.save")
	instrument.RecordDiff(step, differences()...)
	endStep()
	end()
	q, _, _ := scope.Recorder().Request(instrument.RequestID(ctx))
	all, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return q.Steps[0], string(all)
}

// TestStepDiffs keeps differences as each level allows: no secret below the level of values, and none of a secret attribute
// at any.
func TestStepDiffs(t *testing.T) {
	t.Parallel()
	for _, level := range []instrument.Level{instrument.LevelNames, instrument.LevelShapes, instrument.LevelHashes, instrument.LevelValues} {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			step, all := diffsAt(t, level)
			if len(step.Diffs) != 5 || step.Diffs[0].Name != "mail" || step.Diffs[0].How != instrument.DiffChanged || step.Diffs[1].From != nil {
				t.Fatalf("kept %+v", step.Diffs)
			}
			mail, group, held := step.Diffs[0], step.Diffs[1], step.Diffs[2]
			if level >= instrument.LevelHashes && mail.To.Text != group.To.Text {
				t.Errorf("%q and %q, which are equal", mail.To.Text, group.To.Text)
			}
			for _, hidden := range step.Diffs[3:] {
				if hidden.To.Text != "<hidden>" || !hidden.To.Hidden {
					t.Errorf("%s shows %q", hidden.Name, hidden.To.Text)
				}
			}
			if level == instrument.LevelValues {
				if mail.From.Text != "old-"+secret || mail.To.Hidden || held.Reason == "" || strings.Count(all, secret) != 8 {
					t.Errorf("values: %s", all)
				}
				return
			}
			for name, form := range forms() {
				if strings.Contains(all, string(form)) {
					t.Errorf("the secret as %s: %s", name, all)
				}
			}
			if hashed := strings.HasPrefix(mail.From.Text, "#"); hashed != (level == instrument.LevelHashes) || hashed && mail.From.Text == mail.To.Text || held.Reason != "" {
				t.Errorf("kept %+v of %+v", mail.From, mail)
			}
		})
	}
}

// TestStepDiffsAreBounded keeps the first 500 of a request, cuts long texts and counts the memory.
func TestStepDiffsAreBounded(t *testing.T) {
	t.Parallel()
	scope := instrument.New(instrument.WithPolicy(instrument.Policy{Level: instrument.LevelValues}))
	ctx, end := scope.Job(t.Context(), "sync")
	defer end()
	before := scope.Recorder().Stats().Bytes
	long := strings.Repeat("x", 10_000)
	many := make([]instrument.Difference, 300)
	for i := range many {
		many[i] = instrument.Difference{Of: fmt.Sprint(i), How: instrument.DiffAdded, What: "field", Name: long, To: &long, Reason: long}
	}
	first, endFirst := instrument.Step(ctx, "first")
	instrument.RecordDiff(first, many...)
	endFirst()
	second, endSecond := instrument.Step(ctx, "second")
	instrument.RecordDiff(second, many...)
	instrument.RecordDiff(second, many...)
	endSecond()
	instrument.RecordDiff(first, many[0]) // late
	instrument.RecordDiff(ctx, many...)   // in no step
	instrument.RecordDiff(t.Context(), many...)
	q, _, _ := scope.Recorder().Request(instrument.RequestID(ctx))
	if a, b := q.Steps[0], q.Steps[1]; len(a.Diffs) != 300 || a.DiffsLeft != 1 || len(b.Diffs) != 200 || b.DiffsLeft != 400 || b.Diffs[0].Of.Text != "0" {
		t.Errorf("kept %d and %d, left out %d and %d", len(a.Diffs), len(b.Diffs), a.DiffsLeft, b.DiffsLeft)
	}
	texts := 0
	for _, d := range q.Steps[0].Diffs[:1] {
		for _, text := range []string{d.Name, d.To.Text, d.Reason} {
			texts += len(text)
			if len(text) > 260 {
				t.Errorf("a text of %d bytes", len(text))
			}
		}
	}
	if grown := scope.Recorder().Stats().Bytes - before; grown < 500*texts || grown > 1000*texts {
		t.Errorf("the recorder counts %d bytes for 500 differences of at least %d", grown, texts)
	}
}
