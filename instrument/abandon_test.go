// SPDX-License-Identifier: MIT

package instrument_test

import (
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// abandon gives an operation up, with a message id of its own.
func (w *wired) abandon(id int64) {
	w.t.Helper()
	w.id++
	var e wire.Encoder
	e.Message(w.id, func(e *wire.Encoder) { e.Abandon(id) }, nil)
	if _, err := w.conn.Write(e.Bytes); err != nil {
		w.t.Fatal(err)
	}
}

// A server need not answer what was abandoned. On a connection that lives for long the memory of it does not grow, and
// an answer that was on its way is still no reason to end the connection.
func TestAbandonedIsForgotten(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w := wireUp(t, scope)
	waits := w.start("cn=waits")
	var last []int64
	for range 5000 {
		id := w.start("cn=a")
		w.abandon(id)
		last = append(last, id)
	}
	if open := instrument.Open(w.conn); open > 1100 {
		t.Errorf("%d operations are waited for, 1 of them by somebody", open)
	}
	for _, id := range last[len(last)-500:] {
		w.end(id) // crossed the abandon
	}
	w.end(waits)
	w.run(1)
	done := 0
	for _, op := range operations(scope) {
		if op.Kind == instrument.KindCompare && op.State == instrument.StateDone {
			done++
		}
	}
	if done != 2 {
		t.Errorf("%d operations were done, want the one that waited and the last one", done)
	}
	if usage := scope.Snapshots()[0].Usage.Counters; usage.Abandoned != 5000 || usage.MalformedMessages != 0 {
		t.Errorf("usage %+v", usage)
	}
}

// That holds for searches that tell of changes too, although nobody minds their silence.
func TestAbandonedChangesAreForgotten(t *testing.T) {
	t.Parallel()
	w := wireUp(t, instrument.New())
	for range 1500 {
		w.id++
		var e wire.Encoder
		e.Message(w.id, func(e *wire.Encoder) {
			mark := e.Begin(byte(wire.SearchRequest))
			e.OctetString("")
			e.Bytes = append(e.Bytes, 10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0, 0x87, 1, 'a', 0x30, 0)
			e.End(mark)
		}, []wire.Control{{OID: wire.OIDPersistent}})
		if _, err := w.conn.Write(e.Bytes); err != nil {
			t.Fatal(err)
		}
		w.abandon(w.id)
	}
	if open := instrument.Open(w.conn); open > 1100 {
		t.Errorf("%d operations are waited for", open)
	}
	w.run(1)
}
