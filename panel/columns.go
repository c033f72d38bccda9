// SPDX-License-Identifier: MIT

package panel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/ldapscope/ldapscope/instrument"
)

// The columns of the rows in live frames, frozen here and in web/assets/js/protocol.js, which a test compares. Rows travel
// as arrays; zeros at their end are left out. What is not needed to list an operation, such as its trace id, its caller and
// its entries, is asked of the API when somebody looks.
var (
	// "word" columns hold a place in the frame's list of words, from 1; 0 is none. seq and updated count from the frame's
	// first number, start counts microseconds from its first time, call from the row's own seq.
	operationColumns = []string{
		"seq", "updated", "start", "duration_us", "request word", "kind", "state", "place word", "subject word", "about word",
		"manner word", "shape word", "result word", "entries", "bytes_received", "first_us", "repeat", "step word", "call", "page",
		"inferred",
	}
	requestColumns = []string{
		"id word", "updated", "kind", "label word", "status", "user word", "start", "duration_us", "running", "operations", "errors",
		"duplicates", "shapes", "entries", "bytes_received", "ldap_us", "dropped", "domains word", "findings", "severity",
		"similar",
	}
	requestKinds = []string{"http", "job", "background"}
)

// words are the texts of one frame, each once. A frame brings its own, so that one encoding serves every reader, wherever
// it begins.
type words struct {
	places map[any]int
	list   bytes.Buffer // JSON, without the outer brackets
}

// place returns where a text or a group of texts stands in the list. key tells groups apart.
func (w *words) place(key any, value func() any) int {
	if i, ok := w.places[key]; ok {
		return i
	}
	if w.places == nil {
		w.places = map[any]int{}
	}
	i := len(w.places) + 1
	w.places[key] = i
	if i > 1 {
		w.list.WriteByte(',')
	}
	encoder := json.NewEncoder(&w.list)
	encoder.SetEscapeHTML(false) // filters are full of & and <, and a frame is no HTML
	if encoder.Encode(value()) == nil {
		w.list.Truncate(w.list.Len() - 1) // the line end
	}
	return i
}

func (w *words) text(s string) int {
	if s == "" {
		return 0
	}
	return w.place(s, func() any { return s })
}

// The groups of texts that stand as one word.
type (
	placeWord struct {
		domain, server string
		conn           uint64
	}
	resultWord struct {
		code                     int64
		name, error, sub, advice string
	}
	labelWord   struct{ method, route, path, name string }
	domainsWord struct{ text string }
)

// packer writes the rows of one frame.
type packer struct {
	words
	first uint64 // lowest seq
	zero  int64  // lowest start, in microseconds since 1970
}

// newPacker counts from the lowest number and time of what will be written.
func newPacker(operations []instrument.Operation, requests []instrument.Request) *packer {
	p := &packer{first: math.MaxUint64, zero: math.MaxInt64}
	for i := range operations {
		p.first, p.zero = min(p.first, operations[i].Seq), min(p.zero, operations[i].Start.UnixMicro())
	}
	for i := range requests {
		p.first, p.zero = min(p.first, requests[i].Updated), min(p.zero, requests[i].Start.UnixMicro())
	}
	if len(operations)+len(requests) == 0 {
		p.first, p.zero = 0, 0
	}
	return p
}

// row appends numbers as an array, without the zeros at its end.
func row(dst []byte, numbers ...int64) []byte {
	for len(numbers) > 0 && numbers[len(numbers)-1] == 0 {
		numbers = numbers[:len(numbers)-1]
	}
	dst = append(dst, '[')
	for i, n := range numbers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, n, 10)
	}
	return append(dst, ']')
}

func (p *packer) operation(dst []byte, op *instrument.Operation) []byte {
	shape, result := 0, 0
	if op.Shape != nil {
		shape = p.place(op.Shape, func() any { return []string{fmt.Sprintf("%016x", op.Shape.ID), op.Shape.Text} })
	}
	if op.State != instrument.StateRunning {
		result = p.result(op.Result)
	}
	place := p.place(placeWord{op.Domain, op.Server, op.Conn}, func() any { return []any{op.Domain, op.Server, strconv.FormatUint(op.Conn, 10)} })
	call := int64(0)
	if op.Call.N > 0 {
		call = int64(op.Seq) - int64(op.Call.ID)
	}
	inferred := int64(0)
	if op.Inferred {
		inferred = 1
	}
	return row(dst, int64(op.Seq-p.first), int64(op.Updated-p.first), op.Start.UnixMicro()-p.zero, op.Duration.Microseconds(),
		int64(p.text(op.RequestID)), int64(op.Kind), int64(op.State), int64(place), int64(p.text(subject(op))), int64(p.text(about(op))),
		int64(p.text(manner(op))), int64(shape), int64(result), int64(op.Entries), op.BytesReceived, op.Timing.First.Microseconds(),
		int64(op.Repeat), int64(p.text(op.Step)), call, int64(op.Call.N), inferred)
}

func (p *packer) result(r instrument.Result) int {
	code := int64(-1)
	if r.Received {
		code = r.Code
	}
	return p.place(resultWord{code, r.Name, r.Error, r.SubCode, r.Hint}, func() any { return []any{code, r.Name, r.Error, r.SubCode, r.Hint} })
}

func (p *packer) request(dst []byte, q *instrument.Request, found verdict) []byte {
	kind, running := int64(0), int64(0)
	for i, name := range requestKinds {
		if name == q.Kind {
			kind = int64(i)
		}
	}
	if q.Running {
		running = 1
	}
	label := labelWord{q.Method, line(q.Route), line(q.Path), line(q.Name)}
	domains := 0
	if len(q.Domains) > 0 {
		domains = p.place(domainsWord{fmt.Sprintf("%q", q.Domains)}, func() any { return q.Domains })
	}
	return row(dst, int64(p.text(q.ID)), int64(q.Updated-p.first), kind, int64(p.place(label, func() any {
		return []string{label.method, label.route, label.path, label.name}
	})), int64(q.Status), int64(p.text(line(q.User))), q.Start.UnixMicro()-p.zero, q.Duration.Microseconds(), running, int64(q.Operations),
		int64(q.Errors), int64(q.Duplicates), int64(q.Shapes), int64(q.Entries), q.BytesReceived, q.LDAPTime.Microseconds(), int64(q.Dropped),
		int64(domains), int64(found.count), int64(found.worst), int64(q.Similar))
}

// frame writes a backfill or a batch.
func (p *packer) frame(head framehead, operations []instrument.Operation, requests []instrument.Request, verdicts func(*instrument.Request) verdict) []byte {
	rows := make([]byte, 0, 64+96*len(operations)+96*len(requests))
	rows = append(rows, `"operations":[`...)
	for i := range operations {
		if i > 0 {
			rows = append(rows, ',')
		}
		rows = p.operation(rows, &operations[i])
	}
	rows = append(rows, `],"requests":[`...)
	for i := range requests {
		if i > 0 {
			rows = append(rows, ',')
		}
		rows = p.request(rows, &requests[i], verdicts(&requests[i]))
	}
	rows = append(rows, ']', '}')
	head.First, head.Zero = p.first, p.zero
	encoded, _ := json.Marshal(head) // texts and numbers always encode
	encoded = append(encoded[:len(encoded)-1], `,"words":[`...)
	encoded = append(append(encoded, p.list.Bytes()...), ']', ',')
	return append(encoded, rows...)
}
