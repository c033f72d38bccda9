// SPDX-License-Identifier: MIT

package panel

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// The bounds of what a browser may ask of saved usage.
const (
	comparedLeast = 2
	comparedMost  = 6
	importBytes   = 1 << 30
)

// runFilter reads domain, pid, since, until and limit. Days are those of the program's clock; until includes its day.
func runFilter(w http.ResponseWriter, r *http.Request) (f RunFilter, ok bool) {
	limit, ok := number(w, r, "limit", defaultLimit)
	if !ok {
		return f, false
	}
	pid, ok := number(w, r, "pid", 0)
	if !ok {
		return f, false
	}
	f = RunFilter{Domain: r.URL.Query().Get("domain"), PID: int(min(pid, 1<<31)), Limit: int(min(limit, mostRows))}
	for name, at := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		given := r.URL.Query().Get(name)
		if given == "" {
			continue
		}
		day, err := time.ParseInLocation(time.DateOnly, given, time.Local)
		if err != nil {
			fail(w, http.StatusBadRequest, "day", name+" must be a day, such as "+name+"=2026-01-31")
			return f, false
		}
		if *at = day; name == "until" {
			*at = day.AddDate(0, 0, 1)
		}
	}
	return f, true
}

// runs answers GET api/v1/runs?domain=&pid=&since=&until=&limit=&format=.
func (p *Panel) runs(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	f, ok := runFilter(w, r)
	if !ok {
		return
	}
	saved, err := h.Runs(r.Context(), f)
	if err != nil {
		historyFailed(w, err)
		return
	}
	switch format := r.URL.Query().Get("format"); format {
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="ldapscope-usage.csv"`)
		runsCSV(w, saved)
	case "", "json":
		if format != "" {
			w.Header().Set("Content-Disposition", `attachment; filename="ldapscope-usage.json"`)
		}
		rows := []map[string]any{}
		for _, s := range saved {
			rows = append(rows, savedRow(s))
		}
		answer(w, http.StatusOK, map[string]any{"runs": rows})
	default:
		fail(w, http.StatusBadRequest, "format", "unknown format; use format=json or csv")
	}
}

// savedRow is one line of saved usage; counters stand beside the rest by name.
func savedRow(s SavedUsage) map[string]any {
	row := runRow(s.Run)
	for name, n := range counters(s.Counters) {
		row[name] = n
	}
	row["domain"], row["server"], row["elapsed_us"] = s.Domain, s.Server, s.Elapsed.Microseconds()
	row["p50_us"], row["p95_us"] = s.P50.Microseconds(), s.P95.Microseconds()
	return row
}

func runsCSV(w io.Writer, saved []SavedUsage) {
	out := csv.NewWriter(w)
	head := []string{"run", "domain", "server", "host", "pid", "app", "version", "start", "end", "ended", "elapsed_us", "p50_us", "p95_us"}
	for _, c := range instrument.CounterFields {
		head = append(head, c.Name)
	}
	_ = out.Write(head) // errors stay and Flush meets them; the peer has gone
	for _, s := range saved {
		end := ""
		if !s.Run.End.IsZero() {
			end = s.Run.End.UTC().Format(timeFormat)
		}
		line := []string{
			s.Run.ID, csvText(s.Domain), csvText(s.Server), csvText(s.Run.Host), strconv.Itoa(s.Run.PID), csvText(s.Run.App), csvText(s.Run.Version),
			s.Run.Start.UTC().Format(timeFormat), end, string(s.Run.Ended), microText(s.Elapsed), microText(s.P50), microText(s.P95),
		}
		for _, c := range instrument.CounterFields {
			line = append(line, strconv.FormatUint(*c.Field(&s.Counters), 10))
		}
		_ = out.Write(line)
	}
	out.Flush()
}

func microText(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }

// csvText keeps spreadsheets from reading a name as a formula.
func csvText(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// compare answers GET api/v1/compare?runs=a,b with two to six runs; the first is the baseline.
func (p *Panel) compare(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	ids := strings.FieldsFunc(r.URL.Query().Get("runs"), func(c rune) bool { return c == ',' })
	if len(ids) < comparedLeast || len(ids) > comparedMost {
		fail(w, http.StatusBadRequest, "runs", fmt.Sprintf("name %d to %d runs, such as runs=a81f,03c2", comparedLeast, comparedMost))
		return
	}
	c, err := h.Compare(r.Context(), ids)
	if err != nil {
		historyFailed(w, err)
		return
	}
	rows := []map[string]any{}
	for _, run := range c.Runs {
		rows = append(rows, runRow(run))
	}
	answer(w, http.StatusOK, map[string]any{"runs": rows, "domains": nonNilSlice(c.Domains)})
}

func nonNilSlice[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// importRuns answers POST api/v1/import, whose body is the file of another database.
func (p *Panel) importRuns(w http.ResponseWriter, r *http.Request) {
	h, ok := p.withHistory(w)
	if !ok {
		return
	}
	path, err := received(http.MaxBytesReader(w, r.Body, importBytes))
	if path != "" {
		defer func() { _ = os.Remove(path) }()
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "import", "the file did not arrive whole: "+err.Error())
		return
	}
	n, err := h.Import(r.Context(), path)
	if err != nil {
		fail(w, http.StatusBadRequest, "import", "the file cannot be imported: "+strings.ReplaceAll(err.Error(), path, "it")+"; send a database that ldapscope wrote")
		return
	}
	answer(w, http.StatusOK, map[string]int{"runs": n})
}

// received writes a body to a temporary file. The path is set also when that fails.
func received(body io.Reader) (path string, err error) {
	file, err := os.CreateTemp("", "ldapscope-import-*.db")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, body)
	return file.Name(), errors.Join(err, file.Close())
}
