// SPDX-License-Identifier: MIT

package panel_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// wireFrame is a frame as it travels.
type wireFrame struct {
	Type       string            `json:"type"`
	Epoch      string            `json:"epoch"`
	From       uint64            `json:"from"`
	To         uint64            `json:"to"`
	Reset      bool              `json:"reset"`
	More       bool              `json:"more"`
	Left       int               `json:"left"`
	Reason     string            `json:"reason"`
	Message    string            `json:"message"`
	Query      bool              `json:"query"`
	Level      string            `json:"level"`
	First      int64             `json:"first"`
	Zero       int64             `json:"zero"`
	Words      []json.RawMessage `json:"words"`
	Operations [][]int64         `json:"operations"`
	Requests   [][]int64         `json:"requests"`
}

// frame is a frame with its rows unpacked.
type frame struct {
	wireFrame
	Operations []map[string]any
	Requests   []map[string]any
}

// unpack reads a frame as the page does.
func unpack(t *testing.T, body []byte) frame {
	t.Helper()
	f := frame{}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(body, &head); err == nil && head.Type == "stats" { // its operations are a number
		f.Type = head.Type
		return f
	}
	if err := json.Unmarshal(body, &f.wireFrame); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for _, row := range f.wireFrame.Operations {
		f.Operations = append(f.Operations, f.cells(t, panel.OperationColumns, row))
	}
	for _, row := range f.wireFrame.Requests {
		f.Requests = append(f.Requests, f.cells(t, panel.RequestColumns, row))
	}
	return f
}

func (f *frame) cells(t *testing.T, columns []string, row []int64) map[string]any {
	t.Helper()
	if len(row) > len(columns) {
		t.Fatalf("a row has %d cells for %d columns", len(row), len(columns))
	}
	cells := map[string]any{}
	for i, name := range columns {
		n := int64(0)
		if i < len(row) {
			n = row[i]
		}
		column, isWord := strings.CutSuffix(name, " word")
		switch {
		case isWord && n == 0:
			cells[column] = nil
		case isWord:
			var word any
			if err := json.Unmarshal(f.Words[n-1], &word); err != nil {
				t.Fatal(err)
			}
			cells[column] = word
		case name == "seq", name == "updated":
			cells[column] = n + f.First
		case name == "start":
			cells[column] = n + f.Zero
		default:
			cells[column] = n
		}
	}
	return cells
}

// kindOf returns the kind of an operation in a frame.
func kindOf(cells map[string]any) string { return instrument.Kind(cells["kind"].(int64)).String() }

func stateOf(cells map[string]any) string { return instrument.State(cells["state"].(int64)).String() }
