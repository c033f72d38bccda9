// SPDX-License-Identifier: MIT

package panel_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// shelf is a History in memory that remembers what it was asked.
type shelf struct {
	mu       sync.Mutex // guards everything below
	filter   panel.RunFilter
	imported string
	pins     []panel.Pinned
	broken   error
}

var someRun = instrument.Run{ID: "r1", Host: "vm", PID: 7, App: "=cmd()", Start: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), Ended: instrument.RunClean}

func (s *shelf) Runs(_ context.Context, f panel.RunFilter) ([]panel.SavedUsage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter = f
	return []panel.SavedUsage{{Run: someRun, Domain: "EXAMPLE", Server: "dc1", Counters: instrument.Counters{Operations: 1 << 60}, Elapsed: time.Second}}, nil
}

func (s *shelf) Run(context.Context, string) (instrument.Run, []instrument.Snapshot, error) {
	return instrument.Run{}, nil, panel.ErrAbsent
}
func (s *shelf) Series(context.Context, string) ([]panel.Point, error) { return nil, nil }
func (s *shelf) Shapes(context.Context, string, int) ([]instrument.ShapeTotal, error) {
	return nil, nil
}
func (s *shelf) Delete(context.Context, string) error { return panel.ErrAbsent }

func (s *shelf) Compare(_ context.Context, ids []string) (panel.Comparison, error) {
	c := panel.Comparison{}
	for _, id := range ids {
		c.Runs = append(c.Runs, instrument.Run{ID: id})
	}
	return c, nil
}

func (s *shelf) Import(_ context.Context, path string) (int, error) {
	content, err := os.ReadFile(path)
	s.imported = path
	if string(content) != "a database" {
		return 0, fmt.Errorf("%s is none: %w", path, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return 3, nil
}

func (s *shelf) Pin(_ context.Context, o panel.Pinned) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins = append(s.pins, o)
	return nil
}

func (s *shelf) Pins(context.Context) ([]panel.Pinned, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pins), s.broken
}

func (s *shelf) Unpin(_ context.Context, run string, seq uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.pins)
	s.pins = slices.DeleteFunc(s.pins, func(p panel.Pinned) bool { return p.Run == run && p.Seq == seq })
	if len(s.pins) == before {
		return panel.ErrAbsent
	}
	return nil
}

// send asks the panel with a method and a body.
func (s *stage) send(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := s.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(all)
}

func TestRunFilters(t *testing.T) {
	t.Parallel()
	saved := &shelf{}
	s := newStage(t, panel.Config{History: saved})
	if status, body := s.text(t, "/api/v1/runs?domain=EXAMPLE&pid=7&since=2026-01-30&until=2026-01-31&limit=3"); status != http.StatusOK || !strings.Contains(body, `"operations":"1152921504606846976"`) {
		t.Errorf("%d %s", status, body)
	}
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.Local) }
	want := panel.RunFilter{Domain: "EXAMPLE", PID: 7, Since: day(30), Until: day(32), Limit: 3}
	if saved.filter != want {
		t.Errorf("asked for %+v, want %+v", saved.filter, want)
	}
	for _, bad := range []string{"pid=x", "since=yesterday", "until=31.1.2026", "limit=-1", "format=xml"} {
		if status, body := s.text(t, "/api/v1/runs?"+bad); status != http.StatusBadRequest || !strings.Contains(body, "such as") && !strings.Contains(body, "use ") {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}
}

// TestRunsCSV reads the table back. A name that a spreadsheet would take for a formula is made a text.
func TestRunsCSV(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{History: &shelf{}})
	_, body := s.text(t, "/api/v1/runs?format=csv")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v: %s", err, body)
	}
	of := func(name string) string { return rows[1][slices.Index(rows[0], name)] }
	for name, want := range map[string]string{"run": "r1", "app": "'=cmd()", "pid": "7", "start": "2026-01-31T12:00:00.000000Z", "end": "", "operations": "1152921504606846976", "elapsed_us": "1000000"} {
		if of(name) != want {
			t.Errorf("%s is %q, want %q", name, of(name), want)
		}
	}
}

func TestCompareTakesTwoToSix(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{History: &shelf{}})
	for runs, want := range map[string]int{"": 400, "a": 400, "a,b": 200, "a,b,c,d,e,f": 200, "a,b,c,d,e,f,g": 400} {
		if status, body := s.text(t, "/api/v1/compare?runs="+runs); status != want {
			t.Errorf("%q: %d %s, want %d", runs, status, body, want)
		}
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	saved := &shelf{}
	s := newStage(t, panel.Config{History: saved})
	if status, body := s.send(t, http.MethodPost, "/api/v1/import", "a database"); status != http.StatusOK || !strings.Contains(body, `"runs":3`) {
		t.Errorf("%d %s", status, body)
	}
	status, body := s.send(t, http.MethodPost, "/api/v1/import", "something else")
	if status != http.StatusBadRequest || strings.Contains(body, saved.imported) {
		t.Errorf("%d %s", status, body)
	}
	if _, err := os.Stat(saved.imported); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy %s stays: %v", saved.imported, err)
	}
}

// TestPins keeps an operation that the recorder then gives up. Asked for, it says whether it is pinned.
func TestPins(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{History: &shelf{}})
	ctx, end := s.scope.Job(t.Context(), "pins")
	s.search(t, ctx, "(sAMAccountName=ada)", "cn")
	end()
	var list struct {
		Operations []row `json:"operations"`
	}
	s.get(t, "/api/v1/operations?q=op:search", &list)
	seq := list.Operations[0].Seq
	says := func(when, want string) {
		t.Helper()
		if _, body := s.text(t, fmt.Sprint("/api/v1/operations/", seq)); !strings.Contains(body, want) {
			t.Errorf("%s the operation does not say %s: %s", when, want, body)
		}
	}
	says("before", `"pinned":false`)
	if status, body := s.send(t, http.MethodPost, "/api/v1/pins", fmt.Sprintf(`{"seq": %d, "note": "odd"}`, seq)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	says("pinned", `"pinned":true`)
	s.scope.Recorder().Clear()
	status, body := s.text(t, fmt.Sprint("/api/v1/operations/", seq))
	var op struct {
		Seq     uint64            `json:"seq"`
		Entries []json.RawMessage `json:"entry_list"`
	}
	if err := json.Unmarshal([]byte(body), &op); err != nil || status != http.StatusOK || op.Seq != seq || len(op.Entries) != 1 {
		t.Errorf("the pinned operation, after the recorder was cleared: %d %s", status, body)
	}
	says("pinned and gone from the recorder", `"pinned":true`)
	if _, body := s.text(t, "/api/v1/pins"); !strings.Contains(body, `"note":"odd"`) || !strings.Contains(body, "sAMAccountName=ada") {
		t.Errorf("the pins: %s", body)
	}
	for body, want := range map[string]int{fmt.Sprintf(`{"seq": %d}`, seq): 409, `{"seq": 4294967295}`: 409, `nothing`: 400, `{"seq": 1, "note": "` + strings.Repeat("x", 501) + `"}`: 400} {
		if status, answer := s.send(t, http.MethodPost, "/api/v1/pins", body); status != want {
			t.Errorf("%.40s: %d %s, want %d", body, status, answer, want)
		}
	}
	for _, want := range []int{200, 404} {
		if status, body := s.send(t, http.MethodDelete, fmt.Sprint("/api/v1/pins/", seq), ""); status != want {
			t.Errorf("giving the pin up: %d %s, want %d", status, body, want)
		}
	}
	if status, _ := s.text(t, fmt.Sprint("/api/v1/operations/", seq)); status != http.StatusGone && status != http.StatusNotFound {
		t.Errorf("without its pin the operation answers %d", status)
	}
}

// TestPinRefused: what cannot be pinned says why, a full database otherwise than one that cannot be read.
func TestPinRefused(t *testing.T) {
	t.Parallel()
	kept := &shelf{}
	s := newStage(t, panel.Config{History: kept})
	s.search(t, t.Context(), "(sAMAccountName=ada)", "cn")
	var list struct {
		Operations []row `json:"operations"`
	}
	s.get(t, "/api/v1/operations?q=op:search", &list)
	refused := func(want int, says string) {
		t.Helper()
		status, body := s.send(t, http.MethodPost, "/api/v1/pins", fmt.Sprintf(`{"seq": %d}`, list.Operations[0].Seq))
		if status != want || !strings.Contains(body, says) {
			t.Errorf("%d %s, want %d and %q", status, body, want, says)
		}
	}
	kept.broken = errors.New("disk error")
	refused(500, "disk error")
	kept.broken, kept.pins = nil, make([]panel.Pinned, 200)
	refused(409, "200 operations are pinned already")
}
