// SPDX-License-Identifier: MIT

package instrument

import "context"

// DiffKind is what became of one thing that a step compared.
type DiffKind string

// What becomes of a thing. Held is a removal that the application did not dare.
const (
	DiffAdded   DiffKind = "added"
	DiffRemoved DiffKind = "removed"
	DiffChanged DiffKind = "changed"
	DiffHeld    DiffKind = "held"
)

// Difference is one thing that a step changed, or would change, in what the application keeps, such as a field of a local
// account. How, What and Name are kept at every redaction level and must hold no value. The others are values.
type Difference struct {
	Of       string // whose: the name of the account
	How      DiffKind
	What     string // account, field, flag or group
	Name     string // of a field or a flag
	From, To *string
	Reason   string // why it is held
	Secret   bool   // From and To are kept at no level; a Name that SecretAttribute knows needs no telling
}

// StepDiff is a Difference as the redaction level allows, each text bounded to 256 bytes.
type StepDiff struct {
	Of       Value
	How      DiffKind
	What     string
	Name     string
	From, To *Value // nil for none
	Reason   string // at LevelValues alone
}

// Bounds of what the steps of one request keep of differences.
const (
	mostDiffs = 500
	diffText  = 256
	diffBytes = 200 // estimate of one without its texts
)

// RecordDiff keeps with the innermost step of ctx what it changed, or would change. A request keeps the first 500 of all its
// steps and counts the others. Outside of a step of a request nothing is kept. It is safe for concurrent use, also after the
// step has ended.
func RecordDiff(ctx context.Context, differences ...Difference) {
	o := originOf(ctx)
	if o == nil || o.request == nil || o.at == 0 || len(differences) == 0 {
		return
	}
	r, q := o.recorder, o.request
	kept := make([]StepDiff, 0, min(len(differences), mostDiffs))
	for _, d := range differences[:min(len(differences), mostDiffs)] { // redacted with nothing locked
		kept = append(kept, o.redact.difference(d))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	kept = kept[:min(len(kept), mostDiffs-q.diffs)]
	bytes := 0
	for i := range kept {
		bytes += kept[i].size()
	}
	r.grow(q, bytes)
	r.change(q, func() {
		s := &q.Steps[o.at-1]
		q.diffs += len(kept)
		s.Diffs = append(s.Diffs, kept...)
		s.DiffsLeft += len(differences) - len(kept)
	})
}

// difference shows a difference as the level allows.
func (r redactor) difference(d Difference) StepDiff {
	value := func(text string) Value {
		if d.Secret {
			return Value{hiddenText, true}
		}
		v := r.value([]byte(d.Name), []byte(text))
		v.Text = bounded(v.Text, diffText)
		return v
	}
	of := r.value(nil, []byte(d.Of))
	of.Text = bounded(of.Text, diffText)
	s := StepDiff{Of: of, How: d.How, What: bounded(d.What, diffText), Name: bounded(d.Name, diffText)}
	if d.From != nil {
		v := value(*d.From)
		s.From = &v
	}
	if d.To != nil {
		v := value(*d.To)
		s.To = &v
	}
	if r.level == LevelValues { // it may name an entry
		s.Reason = bounded(d.Reason, diffText)
	}
	return s
}

func (s *StepDiff) size() int {
	n := diffBytes + len(s.Of.Text) + len(s.What) + len(s.Name) + len(s.Reason)
	for _, v := range []*Value{s.From, s.To} {
		if v != nil {
			n += 32 + len(v.Text)
		}
	}
	return n
}
