// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"time"
)

// StepRun is one application step of a request.
type StepRun struct {
	Name     string
	Parent   string
	Start    time.Time
	Duration time.Duration // so far, while running
	Running  bool

	Diffs     []StepDiff // what it changed in what the application keeps, see RecordDiff
	DiffsLeft int        // how many more there were
}

// Step names an application step around operations, such as sync.groups, for the rest of the returned context. Steps may
// nest. end must be called once; operations made after it still count to the step. A request lists its first 500 steps.
// Outside of a request the step is kept on its operations alone.
func Step(ctx context.Context, name string) (_ context.Context, end func()) {
	o := originOf(ctx)
	if o == nil {
		return context.WithValue(ctx, contextKey{}, &origin{step: name}), func() {}
	}
	inner := &origin{recorder: o.recorder, request: o.request, redact: o.redact, step: name}
	ctx = context.WithValue(ctx, contextKey{}, inner)
	if o.request == nil {
		return ctx, func() {}
	}
	r, q, start := o.recorder, o.request, time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	index := len(q.Steps)
	if index >= mostSteps {
		return ctx, func() {}
	}
	inner.at = index + 1
	q.Steps = append(q.Steps, StepRun{Name: name, Parent: o.step, Start: start, Running: true})
	r.grow(q, stepBytes+len(name))
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.change(q, func() { q.Steps[index].Duration, q.Steps[index].Running = time.Since(start), false })
	}
}
