// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// The policy by which single operations outlive the process: those that failed or were slow, the first few of each shape, so
// that one that fails all the time does not hide the others. What is shown of them says so.
const (
	slowFrom       = 500 * time.Millisecond
	keptOfShape    = 5   // of one shape in one domain for one reason
	keptOfRun      = 200 // in all; then nothing more is looked at
	keepPause      = time.Second
	keepBatch      = 500                    // changes looked at under the recorder's lock at a time
	keepAtEnd      = 500 * time.Millisecond // how long the last look may take, which it does only when the database is in use or the disk is slow
	keepWithinLoop = time.Second
)

// keptOperations saves the slow and failed operations of a program while it runs. One goroutine uses it at a time.
type keptOperations struct {
	recorder *instrument.Recorder
	db       *metricsdb.DB
	run      string
	wanted   func(domain string) bool

	after   uint64
	seen    map[uint64]bool
	count   map[string]int
	waiting []metricsdb.SavedOperation // not saved yet
}

func keepOperations(r *instrument.Recorder, db *metricsdb.DB, run string, wanted func(string) bool) *keptOperations {
	return &keptOperations{recorder: r, db: db, run: run, wanted: wanted, seen: map[uint64]bool{}, count: map[string]int{}}
}

// loop looks every second until ctx ends. What cannot be saved now is tried again.
func (k *keptOperations) loop(ctx context.Context) {
	tick := time.NewTicker(keepPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.save(ctx, keepWithinLoop)
		}
	}
}

// save looks at what has ended since the last look, and saves what is to be kept within the time given.
func (k *keptOperations) save(ctx context.Context, within time.Duration) {
	for len(k.seen) < keptOfRun {
		changes := k.recorder.Since(k.after, keepBatch)
		for i := range changes.Operations {
			k.look(&changes.Operations[i])
		}
		if k.after = changes.To; !changes.More {
			break
		}
	}
	if len(k.waiting) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if k.db.SaveOperations(ctx, k.waiting) == nil {
		k.waiting = nil
	}
}

func (k *keptOperations) look(op *instrument.Operation) {
	var why metricsdb.Reason
	switch {
	case op.State == instrument.StateRunning || k.seen[op.Seq] || len(k.seen) >= keptOfRun || !k.wanted(op.Domain):
		return
	case op.Result.Failed():
		why = metricsdb.ReasonFailed
	case op.Duration >= slowFrom:
		why = metricsdb.ReasonSlow
	default:
		return
	}
	document := k.document(op)
	key := string(why) + " " + op.Domain + " " + document.Shape
	if k.count[key] >= keptOfShape {
		return
	}
	text, err := json.Marshal(document)
	if err != nil {
		return // a struct of texts and numbers
	}
	k.count[key]++
	k.seen[op.Seq] = true
	k.waiting = append(k.waiting, metricsdb.SavedOperation{
		Run: k.run, Seq: op.Seq, Domain: op.Domain, Kind: op.Kind.String(), Shape: document.ShapeID, Reason: why, Start: op.Start,
		Duration: op.Duration.Microseconds(), Code: op.Result.Code, Document: text,
	})
}

// keptOperation is what the disk gets of an operation: its shape, never a name, a filter value or an entry, at whatever level
// the live page shows it.
type keptOperation struct {
	Server        string           `json:"server"`
	State         string           `json:"state"`
	Step          string           `json:"step,omitempty"`
	Method        string           `json:"method,omitempty"` // of the HTTP request
	Route         string           `json:"route,omitempty"`
	ShapeID       string           `json:"shape,omitempty"`
	Shape         string           `json:"shape_text"`
	Timing        map[string]int64 `json:"timing"` // microseconds
	Code          int64            `json:"code"`   // -1 when no answer came
	Result        string           `json:"result,omitempty"`
	SubCode       string           `json:"sub_code,omitempty"`
	Error         string           `json:"error,omitempty"`
	Hint          string           `json:"hint,omitempty"`
	Entries       int              `json:"entries"`
	BytesSent     int64            `json:"bytes_sent"`
	BytesReceived int64            `json:"bytes_received"`
	TraceID       string           `json:"trace_id,omitempty"`
	SpanID        string           `json:"span_id,omitempty"`
	Caller        string           `json:"caller,omitempty"` // function:line
}

func (k *keptOperations) document(op *instrument.Operation) keptOperation {
	t := op.Timing
	d := keptOperation{
		Server: op.Server, State: op.State.String(), Step: op.Step, Shape: op.Kind.String(), Code: -1, Result: op.Result.Name,
		SubCode: op.Result.SubCode, Error: op.Result.Error, Hint: op.Result.Hint, Entries: op.Entries,
		BytesSent: op.BytesSent, BytesReceived: op.BytesReceived,
		Timing: map[string]int64{
			"wait_pool_us": t.WaitPool.Microseconds(), "dial_us": t.Dial.Microseconds(), "tls_us": t.TLS.Microseconds(),
			"setup_bind_us": t.SetupBind.Microseconds(), "first_us": t.First.Microseconds(), "stream_us": t.Stream.Microseconds(),
		},
	}
	if op.Result.Received {
		d.Code = op.Result.Code
	}
	if op.Shape != nil {
		d.Shape, d.ShapeID = op.Shape.Text, strconv.FormatUint(op.Shape.ID, 16)
		d.ShapeID = strings.Repeat("0", 16-len(d.ShapeID)) + d.ShapeID
	}
	if op.TraceID.IsValid() {
		d.TraceID, d.SpanID = op.TraceID.String(), op.SpanID.String()
	}
	if callers := op.Callers(); len(callers) > 0 {
		d.Caller = callers[0].Function + ":" + strconv.Itoa(callers[0].Line)
	}
	if request, ok := k.recorder.Summary(op.RequestID); ok {
		d.Method, d.Route = request.Method, request.Route
	}
	return d
}

// keptText is the operation in words: its shape, and how it failed.
func keptText(o metricsdb.SavedOperation) string {
	var d keptOperation
	if json.Unmarshal(o.Document, &d) != nil || d.Shape == "" {
		d.Shape = o.Kind
	}
	if d.Error == "" {
		return d.Shape
	}
	text := d.Shape + ": " + d.Error
	if d.SubCode != "" {
		text += " (" + d.SubCode + ")"
	}
	return text
}
