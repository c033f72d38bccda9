// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

func bounded(operations, bytes int) *instrument.Scope {
	return instrument.New(instrument.WithRecorderLimits(instrument.Limits{Operations: operations, Bytes: bytes}))
}

func TestRecorderEvictsWholeRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		limit instrument.Limits
	}{
		{"by number", instrument.Limits{Operations: 100}},
		{"by memory", instrument.Limits{Bytes: 150_000}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New(instrument.WithRecorderLimits(test.limit))
			w, r := wireUp(t, scope), scope.Recorder()
			for i := range 50 {
				_, end := scope.Job(t.Context(), fmt.Sprint("job", i))
				w.run(10)
				end()
			}
			stats := r.Stats()
			if stats.Operations > stats.Limits.Operations || stats.Bytes > stats.Limits.Bytes || stats.Operations < 40 {
				t.Errorf("held: %+v", stats)
			}
			if stats.Operations%10 != 0 || stats.Evicted != uint64(500-stats.Operations) {
				t.Errorf("requests were torn: %+v", stats)
			}
			requests := r.Requests(0, 1000)
			if newest := requests[len(requests)-1]; newest.Name != "job49" || newest.Dropped != 0 || newest.Operations != 10 {
				t.Errorf("the newest request is %+v", newest)
			}
			for _, q := range requests {
				if _, ops, ok := r.Request(q.ID); !ok || len(ops) != 10 {
					t.Errorf("request %s has %d operations", q.Name, len(ops))
				}
			}
		})
	}
}

func TestRecorderShortensALargeRunningRequest(t *testing.T) {
	t.Parallel()
	scope := bounded(100, 0)
	w, r := wireUp(t, scope), scope.Recorder()
	_, endEarlier := scope.Job(t.Context(), "earlier")
	w.run(50)
	endEarlier()
	_, end := scope.Job(t.Context(), "sync")
	w.run(500)
	requests := r.Requests(0, 10)
	if len(requests) != 2 {
		t.Fatalf("requests %+v", requests)
	}
	q := requests[1]
	if q.Operations != 500 || q.Dropped != 450 || !q.Running {
		t.Errorf("request %+v", q)
	}
	end()
	// Once it has ended it leaves as a whole when it is the oldest.
	for range 6 {
		_, end := scope.Job(t.Context(), "later")
		w.run(10)
		end()
	}
	if stats := r.Stats(); stats.Operations != 60 || stats.Requests != 6 {
		t.Errorf("held: %+v", stats)
	}
}

// A request that was evicted while it ran comes back with its next operation, within the bounds.
func TestRecorderTakesAnEvictedRequestBack(t *testing.T) {
	t.Parallel()
	scope := bounded(100, 0)
	c, r := dial(t, scope, serve(t, willing(0))), scope.Recorder()
	run := func(ctx context.Context, n int) {
		for range n {
			if _, err := c.Compare(ctx, "cn=a", "cn", "b"); err != nil {
				t.Fatal(err)
			}
		}
	}
	others := func() {
		for range 30 {
			ctx, end := scope.Job(t.Context(), "other")
			run(ctx, 5)
			end()
		}
	}
	ctx, end := scope.Job(t.Context(), "long")
	run(ctx, 5)
	others()
	if _, _, held := r.Request(instrument.RequestID(ctx)); held {
		t.Fatal("the long job was not evicted, the test is pointless")
	}
	run(ctx, 2)
	q, ops, held := r.Request(instrument.RequestID(ctx))
	if !held || q.Operations != 7 || q.Dropped != 5 || len(ops) != 2 || !q.Running {
		t.Errorf("held %v, %d operations of %+v", held, len(ops), q)
	}
	others()
	end()
	if stats := r.Stats(); stats.Operations > 100 || stats.Operations < 90 {
		t.Errorf("held: %+v", stats)
	}
}

func TestRecorderBoundsRequestsWithoutOperations(t *testing.T) {
	t.Parallel()
	scope := bounded(100, 0)
	for range 1000 {
		_, end := scope.Job(t.Context(), "idle")
		end()
	}
	if stats := scope.Recorder().Stats(); stats.Requests != 100 {
		t.Errorf("held: %+v", stats)
	}
	scope = bounded(0, 100_000)
	ctx, end := scope.Job(t.Context(), "steps")
	for range 10_000 {
		_, endStep := instrument.Step(ctx, strings.Repeat("s", 100))
		endStep()
	}
	end()
	if stats := scope.Recorder().Stats(); stats.Bytes > 100_000 {
		t.Errorf("held: %+v", stats)
	}
}

func TestRecorderBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		scope := instrument.New()
		w, r := wireUp(t, scope), scope.Recorder()
		w.run(1001)
		requests := r.Requests(0, 10)
		if len(requests) != 2 || requests[0].ID != "background-1" || requests[0].Running || requests[0].Operations != 1000 || requests[1].Operations != 1 {
			t.Errorf("after 1,001 operations: %+v", requests)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // in a bubble, where it costs no time
		w.run(1)
		requests = r.Requests(0, 10)
		if len(requests) != 3 || requests[1].Running || requests[1].Duration != time.Minute || requests[2].ID != "background-3" || requests[2].Kind != instrument.Background {
			t.Errorf("after a minute: %+v", requests)
		}
	})
}

func TestRecorderClear(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w, r := wireUp(t, scope), scope.Recorder()
	w.run(3)
	open := w.start("cn=open") // in background
	_, endOld := scope.Job(t.Context(), "old")
	w.run(3)
	endOld()
	_, end := scope.Job(t.Context(), "running")
	w.run(3)
	cursor := r.Stats().Last
	r.Clear()
	changes := r.Since(cursor, 100)
	if changes.Cleared != cursor+1 || changes.Gap != nil || len(changes.Operations) != 0 {
		t.Errorf("after a clear: %+v", changes)
	}
	left := operations(scope)
	if len(left) != 1 || left[0].DN != "cn=open" {
		t.Errorf("operations left: %+v", left)
	}
	names := map[string]bool{}
	for _, q := range r.Requests(0, 10) {
		names[q.Name+q.ID[:min(10, len(q.ID))]] = true
	}
	if len(names) != 2 || !names["background"] {
		t.Errorf("requests left: %v", names)
	}
	w.end(open)
	w.run(1)
	end()
	if got := operations(scope); len(got) != 2 || got[0].State != instrument.StateDone || !got[1].Inferred {
		t.Errorf("operations after the clear: %+v", got)
	}
	if stats := r.Stats(); stats.Evicted != 0 {
		t.Errorf("cleared operations count as evicted: %+v", stats)
	}
	r.Clear()
	if stats := r.Stats(); stats.Operations != 0 || stats.Requests != 0 || stats.Bytes != 0 {
		t.Errorf("after a clear with nothing running: %+v", stats)
	}
}

func TestRecorderOff(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w, r := wireUp(t, scope), scope.Recorder()
	before := w.start("cn=before")
	r.SetRecording(false)
	w.end(before)
	ctx, end := scope.Job(t.Context(), "job")
	w.run(5)
	if stats := r.Stats(); stats.Recording || stats.Operations != 1 {
		t.Errorf("held: %+v", stats)
	}
	if op := operations(scope)[0]; op.State != instrument.StateDone {
		t.Errorf("the operation that was recorded stays %v", op.State)
	}
	if n := scope.Snapshots()[0].Usage.CompareOperations; n != 6 {
		t.Errorf("%d operations are counted", n)
	}
	r.SetRecording(true)
	w.run(2)
	end()
	if q, ops, held := r.Request(instrument.RequestID(ctx)); !held || len(ops) != 2 || q.Running {
		t.Errorf("the job that began in the dark: %v, %d operations, %+v", held, len(ops), q)
	}
}

func TestRecorderTombstones(t *testing.T) {
	t.Parallel()
	scope := bounded(10, 0)
	w, r := wireUp(t, scope), scope.Recorder()
	w.run(1)
	first := operations(scope)[0].Seq
	w.run(30)
	if _, held, gone, what := r.Operation(first); held || !gone || what != "compare" {
		t.Errorf("held %v, gone %v, %q", held, gone, what)
	}
	if _, held, gone, _ := r.Operation(1 << 40); held || gone {
		t.Error("an operation of the future is held or gone")
	}
	newest := operations(scope)[9]
	if op, held, _, _ := r.Operation(newest.Seq); !held || op.DN != newest.DN {
		t.Errorf("the newest is %+v", op)
	}
}

// Readers with cursors see every change that is still held once and once only, whatever the order in which operations
// start, end, are evicted and cleared between their reads; what they cannot see any more is told as a gap.
func TestRecorderCursors(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			scope := bounded(20+random.IntN(200), 0)
			w, r := wireUp(t, scope), scope.Recorder()
			readers := []*reader{newReader(), newReader(), newReader()}
			var open []int64
			end := func() {}
			for range 3000 {
				switch n := random.IntN(100); {
				case n < 40:
					open = append(open, w.start(fmt.Sprintf("cn=%d", random.IntN(50))))
				case n < 80 && len(open) > 0:
					i := random.IntN(len(open))
					w.end(open[i])
					open = append(open[:i], open[i+1:]...)
				case n < 84:
					end()
					_, end = scope.Job(context.Background(), "job")
				case n == 84 && random.IntN(10) == 0:
					r.Clear()
				default:
					readers[random.IntN(2)].read(t, r, 1+random.IntN(20)) // the third reads at the end alone
				}
			}
			end()
			for _, reader := range readers {
				for reader.read(t, r, 7) {
				}
				reader.compare(t, r)
			}
		})
	}
}

// reader is what a panel does: it keeps a cursor and the newest form of everything.
type reader struct {
	cursor   uint64
	ops      map[uint64]instrument.Operation
	requests map[string]instrument.Request
}

func newReader() *reader {
	return &reader{ops: map[uint64]instrument.Operation{}, requests: map[string]instrument.Request{}}
}

func (d *reader) read(t *testing.T, r *instrument.Recorder, limit int) (more bool) {
	t.Helper()
	c := r.Since(d.cursor, limit)
	if c.From != d.cursor || c.To < c.From || len(c.Operations)+len(c.Requests) > limit {
		t.Fatalf("asked after %d for %d, got %d to %d with %d and %d", d.cursor, limit, c.From, c.To, len(c.Operations), len(c.Requests))
	}
	if c.Gap != nil && (c.Gap.From != d.cursor+1 || c.Gap.To < c.Gap.From) {
		t.Fatalf("gap %+v after %d", *c.Gap, d.cursor)
	}
	last := d.cursor
	for _, op := range c.Operations {
		if op.Updated <= last || op.Updated > c.To {
			t.Fatalf("operation %d updated at %d comes after %d in changes to %d", op.Seq, op.Updated, last, c.To)
		}
		last = op.Updated
		d.ops[op.Seq] = op
	}
	for _, q := range c.Requests {
		if q.Updated <= d.cursor || q.Updated > c.To {
			t.Fatalf("request %s updated at %d in changes from %d to %d", q.ID, q.Updated, d.cursor, c.To)
		}
		d.requests[q.ID] = q
	}
	d.cursor = c.To
	return c.More
}

// compare holds what was read against what is held.
func (d *reader) compare(t *testing.T, r *instrument.Recorder) {
	t.Helper()
	all := r.Latest(1_000_000)
	if all.To != d.cursor {
		t.Errorf("the reader is at %d, the recorder at %d", d.cursor, all.To)
	}
	for _, op := range all.Operations {
		if read, ok := d.ops[op.Seq]; !ok || read.State != op.State || read.Updated != op.Updated {
			t.Errorf("operation %d is %v at %d, read as %v at %d", op.Seq, op.State, op.Updated, read.State, read.Updated)
		}
	}
	for _, q := range all.Requests {
		if read, ok := d.requests[q.ID]; !ok || read.Updated != q.Updated || read.Operations != q.Operations {
			t.Errorf("request %s at %d, read at %d", q.ID, q.Updated, read.Updated)
		}
	}
}

func TestRecorderWatch(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w, r := wireUp(t, scope), scope.Recorder()
	changed, stop := r.Watch()
	w.run(10) // nobody reads meanwhile, and nothing waits
	select {
	case <-changed:
	default:
		t.Error("no word of ten operations")
	}
	stop()
	w.run(1)
	select {
	case <-changed:
		t.Error("word after the end")
	default:
	}
}

// The estimate of memory must be no less than what the heap really holds, also for a million operations.
func TestRecorderMemory(t *testing.T) { // not parallel, it measures the process
	n := 1_000_000
	if raceEnabled || testing.Short() {
		n = 50_000
	}
	const limit = 16 << 20
	scope := bounded(0, limit)
	w := wireUp(t, scope)
	_, end := scope.Job(t.Context(), "warm up")
	w.run(100)
	end()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n / 100 {
		_, end := scope.Job(t.Context(), "job")
		w.run(100)
		end()
		if stats := scope.Recorder().Stats(); stats.Bytes > limit {
			t.Fatalf("after %d operations: %+v", i*100, stats)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	stats := scope.Recorder().Stats()
	shapes := 3 << 20 // of the domain, bounded on their own
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > int64(limit+shapes) {
		t.Errorf("%d bytes are held for %d operations, the bound is %d and the estimate %d", held, stats.Operations, limit, stats.Bytes)
	} else {
		t.Logf("%d operations: %d bytes held, %d estimated", stats.Operations, held, stats.Bytes)
	}
	runtime.KeepAlive(scope)
}
