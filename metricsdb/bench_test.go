// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// go test -run '^$' -bench Query -snapshots 1000000 ./metricsdb
var snapshotsFlag = flag.Int("snapshots", 20_000, "snapshots in the database of BenchmarkQuery")

const (
	benchDomains = 2
	benchHistory = 500 // snapshots of one domain in one run
	benchShapes  = 20
)

// fill makes runs of two domains with 500 snapshots each. The first run is written through the package, the others are copies
// of it in SQL, so that a million takes seconds.
func fill(b *testing.B, path string, snapshots int) (runs int) {
	b.Helper()
	db := open(b, metricsdb.Config{Path: path})
	r := run("bench-0")
	r.Ended, r.End = instrument.RunClean, start.Add(time.Hour)
	var all []instrument.Snapshot
	for i := range benchDomains {
		for seq := uint64(1); seq <= benchHistory; seq++ {
			s := snapshot(fmt.Sprintf("DOMAIN%d", i), seq, 100*seq)
			s.Elapsed = time.Duration(seq) * time.Minute
			s.Shapes = nil
			if seq == benchHistory {
				for n := range uint64(benchShapes) {
					s.Shapes = append(s.Shapes, instrument.ShapeTotal{ID: fmt.Sprintf("%016x", n), Text: fmt.Sprintf("(&(objectClass=?)(attribute%d=?))", n),
						Kind: "search", Count: n, Total: time.Duration(n) * time.Second, Max: time.Second, LastSeen: start})
				}
			}
			all = append(all, s)
		}
	}
	record(b, db, r, all...)
	raw, err := sql.Open("sqlite", "file:"+path+"?_pragma=synchronous(OFF)")
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	runs = max(snapshots/(benchDomains*benchHistory), 1)
	columns := slices.DeleteFunc(columnsOf(b, raw, "snapshots"), func(c string) bool { return c == "usage_id" })
	list := ""
	for _, c := range columns {
		list += `, "` + c + `"`
	}
	shapes := "shape, kind, domain, text, count, errors, total_us, max_us, entries, bytes, last_seen_us"
	for _, statement := range []string{
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[1]d - 1)
		 INSERT INTO runs SELECT i + 1, 'bench-' || i, host, pid, app, version, go_version, start_us + i * 3600000000, end_us + i * 3600000000, ended, 0
		 FROM n, runs WHERE %[1]d > 1 AND id = 1`,
		`INSERT INTO usages SELECT u.id + (r.id - 1) * 2, r.id, u.domain, u.last_seq FROM runs r, usages u WHERE r.id > 1 AND u.run_id = 1`,
		`INSERT INTO snapshots (usage_id` + list + `) SELECT u.id` + list + ` FROM usages u JOIN snapshots s ON s.usage_id = (u.id - 1) %% 2 + 1 WHERE u.run_id > 1`,
		`INSERT INTO shapes (usage_id, ` + shapes + `) SELECT u.id, ` + "p.shape, p.kind, p.domain, p.text, p.count, p.errors, p.total_us, p.max_us, p.entries, p.bytes, p.last_seen_us" +
			` FROM usages u JOIN shapes p ON p.usage_id = (u.id - 1) %% 2 + 1 WHERE u.run_id > 1`,
		`PRAGMA wal_checkpoint(TRUNCATE)`,
	} {
		if _, err := raw.ExecContext(b.Context(), fmt.Sprintf(statement+"/* %[1]d */", runs)); err != nil {
			b.Fatalf("%s: %v", statement, err)
		}
	}
	return runs
}

// BenchmarkQuery asks a database of -snapshots snapshots, with one live run beside it.
func BenchmarkQuery(b *testing.B) {
	path := filepath.Join(b.TempDir(), "usage.db")
	runs := fill(b, path, *snapshotsFlag)
	live := spool(b, metricsdb.Config{Path: path}, run("live"))
	if err := checkpoint(live, []instrument.Snapshot{snapshot("DOMAIN0", 1, 100)}); err != nil {
		b.Fatal(err)
	}
	db := open(b, metricsdb.Config{Path: path})
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	total := float64(runs * benchDomains * benchHistory)
	newest := fmt.Sprintf("bench-%d", runs-1)
	questions := []struct {
		name string
		ask  func() (int, error)
	}{
		{"list", func() (int, error) {
			rows, err := db.Runs(b.Context(), metricsdb.Filter{Limit: 100})
			return len(rows), err
		}},
		{"list of a domain", func() (int, error) {
			rows, err := db.Runs(b.Context(), metricsdb.Filter{Domain: "DOMAIN1", Limit: 100})
			return len(rows), err
		}},
		{"top", func() (int, error) {
			shapes, err := db.Shapes(b.Context(), metricsdb.Filter{})
			return len(shapes), err
		}},
		{"top of a run", func() (int, error) {
			shapes, err := db.Shapes(b.Context(), metricsdb.Filter{Run: newest})
			return len(shapes), err
		}},
		{"top of an application", func() (int, error) {
			shapes, err := db.Shapes(b.Context(), metricsdb.Filter{App: "payroll"})
			return len(shapes), err
		}},
		{"series", func() (int, error) {
			series, err := db.Series(b.Context(), metricsdb.SeriesQuery{Filter: metricsdb.Filter{Run: newest}})
			return len(series), err
		}},
		{"show", func() (int, error) {
			detail, err := db.Run(b.Context(), newest)
			return len(detail.Snapshots), err
		}},
	}
	for _, question := range questions {
		b.Run(question.name, func(b *testing.B) {
			for b.Loop() {
				if n, err := question.ask(); err != nil || n == 0 {
					b.Fatalf("%d answers, %v", n, err)
				}
			}
			b.ReportMetric(total, "snapshots")
			b.ReportMetric(float64(info.Size())/total, "bytes/snapshot")
		})
	}
}

// BenchmarkCheckpoint is what the checkpoint of two domains with 50 shapes each costs the goroutine that runs it.
func BenchmarkCheckpoint(b *testing.B) {
	s := spool(b, metricsdb.Config{Path: filepath.Join(b.TempDir(), "usage.db")}, run("r1"))
	all := []instrument.Snapshot{snapshot("CORP", 1, 900), snapshot("LAB", 1, 900)}
	for i := range all {
		for len(all[i].Shapes) < 50 {
			all[i].Shapes = append(all[i].Shapes, all[i].Shapes[0])
		}
	}
	var took []time.Duration
	for b.Loop() {
		all = slices.Clone(all)
		all[0].Seq++
		all[0].Usage.Operations++
		begun := time.Now()
		if err := s.Checkpoint(all); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}

// BenchmarkFinish is what the end of a process waits for its usage to be in the database.
func BenchmarkFinish(b *testing.B) {
	path := filepath.Join(b.TempDir(), "usage.db")
	open(b, metricsdb.Config{Path: path})
	var took []time.Duration
	merged := 0
	for b.Loop() {
		s := spool(b, metricsdb.Config{Path: path}, metricsdb.NewRun("bench", ""))
		begun := time.Now()
		saved, err := s.Finish([]instrument.Snapshot{snapshot("CORP", 1, 900)}, 0)
		if err != nil {
			b.Fatal(err)
		}
		if saved.Merged {
			merged++
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(100*float64(merged)/float64(len(took)), "%merged")
}
