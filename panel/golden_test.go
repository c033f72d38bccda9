// SPDX-License-Identifier: MIT

package panel

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
	"github.com/ldapscope/ldapscope/web"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// goldenOperations hold every kind and state, hostile texts, and numbers at their ends.
func goldenOperations() (ops []instrument.Operation) {
	start := time.Date(2026, 11, 21, 14, 2, 11, 123_456_000, time.UTC)
	people := &instrument.Shape{ID: 0x1f2e3d4c5b6a7988, Text: "search sub ou=?,dc=?,dc=? (uid=?) cn,mail"}
	add := func(op instrument.Operation) {
		op.Seq = 1000 + 4*uint64(len(ops))
		op.Updated, op.Start = op.Seq+2, start.Add(time.Duration(len(ops))*1500*time.Microsecond)
		if op.RequestID == "" {
			op.RequestID = "a1b2c3d4e5f60718"
		}
		if op.Domain == "" {
			op.Domain, op.Server, op.Conn = "EXAMPLE", "127.0.0.1:3890", 4
		}
		ops = append(ops, op)
	}
	success := instrument.Result{Received: true, Name: "success"}
	search := func(base string, scope instrument.SearchScope, filter string) *instrument.Search {
		return &instrument.Search{Base: base, Scope: scope, Filter: filter, Attributes: []string{"cn", "mail"}}
	}
	for i := range 3 {
		add(instrument.Operation{
			Kind: instrument.KindSearch, State: instrument.StateDone, Step: "sync.groups", Search: search("ou=people,dc=example,dc=org", 2, fmt.Sprintf("(uid=p%d)", i/2)),
			Result: success, Entries: 12 * i, BytesReceived: 9000, Duration: 1234 * time.Microsecond, Timing: instrument.Timing{First: 900 * time.Microsecond},
			Shape: people, Exact: uint64(i / 2), Repeat: i % 2,
		})
	}
	add(instrument.Operation{Kind: instrument.KindSearch, State: instrument.StateRunning, Search: search("", 0, "(objectClass=*)"), Inferred: true, Duration: time.Second})
	for page := range 2 {
		add(instrument.Operation{
			Kind: instrument.KindSearch, State: instrument.StateDone, Search: search("dc=example,dc=org", 2, "(|(cn=*<img src=x onerror=alert(1)>*)(sn=[\"EXAMPLE\",\"x\"]))"),
			Call: instrument.Call{ID: 1016, N: page + 1}, Result: success, Entries: 500, Duration: time.Minute,
		})
	}
	refused := instrument.Result{Received: true, Code: 49, Name: "invalidCredentials", SubCode: "52e", Hint: "the password is wrong", Error: "invalid_credentials"}
	add(instrument.Operation{Kind: instrument.KindBind, State: instrument.StateError, Bind: &instrument.Bind{Method: "simple", Name: "cn=Ada,dc=example,dc=org"}, Result: refused})
	add(instrument.Operation{Kind: instrument.KindBind, State: instrument.StateDone, Bind: &instrument.Bind{Method: "sasl", Mechanism: "EXTERNAL"}, Result: success})
	add(instrument.Operation{Kind: instrument.KindUnbind, State: instrument.StateDone})
	add(instrument.Operation{Kind: instrument.KindModify, State: instrument.StateDone, DN: "cn=PC\x00é,dc=x", Result: success, Changes: []instrument.Change{
		{Operation: "replace", Attribute: "mail", Values: []instrument.Value{{Text: "a@b"}}}, {Operation: "add", Attribute: "userPassword", Values: []instrument.Value{{Text: "<hidden>", Hidden: true}}},
	}})
	add(instrument.Operation{Kind: instrument.KindAdd, State: instrument.StateDone, DN: "cn=" + strings.Repeat("long ", 100), Result: success})
	add(instrument.Operation{Kind: instrument.KindDelete, State: instrument.StateTimeout, DN: "cn=x", Result: instrument.Result{Error: "timeout"}})
	add(instrument.Operation{Kind: instrument.KindModifyDN, State: instrument.StateDone, DN: "cn=x", Result: success, Changes: []instrument.Change{{Operation: "rename", Attribute: "rdn", Values: []instrument.Value{{Text: "cn=y"}}}}})
	add(instrument.Operation{Kind: instrument.KindCompare, State: instrument.StateDone, DN: "cn=x", Result: instrument.Result{Received: true, Code: 6, Name: "compareTrue"},
		Changes: []instrument.Change{{Operation: "compare", Attribute: "description", Values: []instrument.Value{{Text: "desk \xff"}}}}})
	add(instrument.Operation{Kind: instrument.KindAbandon, State: instrument.StateAbandoned, RequestID: "background-3"})
	add(instrument.Operation{Kind: instrument.KindExtended, State: instrument.StateDone, Extended: &instrument.Extended{OID: "1.3.6.1.4.1.1466.20037", Name: "StartTLS"}, Result: success, Domain: "OTHER", Server: "[::1]:389", Conn: 1 << 40})
	add(instrument.Operation{Kind: instrument.KindNotice, State: instrument.StateError, Extended: &instrument.Extended{OID: "1.3.6.1.4.1.1466.20036"}, Result: instrument.Result{Received: true, Code: 52, Name: "unavailable", Error: "unavailable"}})
	return ops
}

func goldenRequests() []instrument.Request {
	start := time.Date(2026, 11, 21, 14, 2, 11, 120_000_000, time.UTC)
	return []instrument.Request{
		{ID: "a1b2c3d4e5f60718", Updated: 1070, Kind: "http", Method: "GET", Route: "/people/{id}", Path: "/people/<script>", Status: 200, User: "ada", Start: start, Duration: 52 * time.Millisecond,
			Operations: 14, Errors: 2, Duplicates: 1, Similar: 9, Shapes: 3, Entries: 1036, BytesReceived: 27000, LDAPTime: 41 * time.Millisecond, Dropped: 1, Domains: []string{"EXAMPLE", "OTHER"}},
		{ID: "00ff00ff00ff00ff", Updated: 1071, Kind: "job", Name: "sync", Start: start.Add(time.Second), Running: true},
		{ID: "background-3", Updated: 1072, Kind: "background", Start: start.Add(-time.Minute), Operations: 1, Domains: []string{"EXAMPLE"}},
	}
}

// goldenFrames are one of each type, by the name of their file.
func goldenFrames() map[string][]byte {
	const epoch = "0123456789abcdef"
	ops, requests := goldenOperations(), goldenRequests()
	found := func(q *instrument.Request) verdict {
		if q.Kind == "http" {
			return verdict{3, advice.High}
		}
		return verdict{}
	}
	plain := func(frame any) []byte {
		body, _ := json.Marshal(frame) // a frame holds texts and numbers
		return body
	}
	return map[string][]byte{
		"backfill": newPacker(ops, requests).frame(framehead{Type: "backfill", Epoch: epoch, From: 998, To: 1072, Reset: true, More: true}, ops, requests, found),
		"batch":    newPacker(ops[:3], requests[:1]).frame(framehead{Type: "batch", Epoch: epoch, From: 1072, To: 1080, Left: 31204}, ops[:3], requests[:1], found),
		"empty":    newPacker(nil, nil).frame(framehead{Type: "batch", Epoch: epoch, From: 1080, To: 1081}, nil, nil, found),
		"welcome": plain(welcomeFrame{Type: "welcome", Epoch: epoch, Version: "v1", First: 1, Last: 1072, Recording: true, Limits: limitsRow{100_000, 64 << 20}, Level: "values",
			Now: stamp(ops[0].Start), Features: map[string]bool{"domains": true, "history": false}}),
		"gap":     plain(gapFrame{"gap", epoch, 10, 20, "evicted"}),
		"skipped": plain(gapFrame{"gap", epoch, 21, 30, "skipped"}),
		"cleared": plain(clearedFrame{"cleared", epoch, 1071}),
		"stats":   plain(statsFrame{Type: "stats", Epoch: epoch, Rate: 12.5, Operations: 14, Requests: 3, Bytes: 40_000, Recording: true, Last: 1072, LagUS: 1500, Pace: "coalesced"}),
		"problem": plain(problemFrame{"problem", epoch, "the query does not parse at 1: unknown key", true}),
	}
}

// TestGoldenFrames holds the frames to the files that the tests of the page read. With -update it writes them.
func TestGoldenFrames(t *testing.T) {
	t.Parallel()
	files := goldenFrames()
	var rows struct {
		Operations []operationRow `json:"operations"`
	}
	for _, op := range goldenOperations() {
		rows.Operations = append(rows.Operations, rowOf(&op))
	}
	api, err := json.MarshalIndent(rows, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	files["backfill.rows"] = api // what the API says of the same operations
	for name, body := range files {
		path := filepath.Join("testdata", "frames", name+".json")
		body = append(bytes.Clone(body), '\n')
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, body, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(body, want) {
			t.Errorf("frame %s is\n%s\nthe file says\n%s\nrun go test ./panel -run Golden -update, and node --test web/test after", name, body, want)
		}
	}
}

// TestColumnsOfBothSides holds the page to the same columns, kinds, states and severities in the same order.
func TestColumnsOfBothSides(t *testing.T) {
	t.Parallel()
	source, err := fs.ReadFile(web.Files, "assets/js/protocol.js")
	if err != nil {
		t.Fatal(err)
	}
	kinds, severities := []string{""}, []string{""}
	for k := 1; k < instrument.Kinds; k++ {
		kinds = append(kinds, instrument.Kind(k).String())
	}
	for s := advice.Info; s <= advice.Critical; s++ {
		severities = append(severities, s.String())
	}
	states := []string{}
	for s := instrument.StateRunning; s <= instrument.StateTimeout; s++ {
		states = append(states, s.String())
	}
	for name, want := range map[string][]string{
		"operationColumns": operationColumns, "requestColumns": requestColumns, "requestKinds": requestKinds, "kinds": kinds, "states": states, "severities": severities,
	} {
		m := regexp.MustCompile(`export const ` + name + ` = (\[[^\]]*\])`).FindSubmatch(source)
		if m == nil {
			t.Errorf("the page has no %s", name)
			continue
		}
		var got []string
		if err := json.Unmarshal(regexp.MustCompile(`,\s*\]`).ReplaceAll(m[1], []byte("]")), &got); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s of the page are %q, want %q", name, got, want)
		}
	}
}
