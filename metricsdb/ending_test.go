// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// go test -run 'Random' -runs 10000 -timeout 2h ./metricsdb
var (
	runsFlag = flag.Int("runs", 200, "processes that are ended, and processes that are killed, in the tests with random times")
	seedFlag = flag.Uint64("seed", 0, "seed of the tests with random times; 0 for a new one")
)

// chance is a source of random numbers whose seed is in the test's log.
func chance(t *testing.T) *rand.Rand {
	seed := cmp.Or(*seedFlag, rand.Uint64())
	t.Logf("%d runs with -seed %d", *runsFlag, seed)
	return rand.New(rand.NewPCG(seed, seed))
}

// each does work for every number below n, four at a time.
func each(n int, work func(i int)) {
	var all sync.WaitGroup
	next := make(chan int, n) // a worker that fails ends, and nobody waits for it
	for range 4 {
		all.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

// rowsByName lists the rows of a database by the name that its child was given.
func rowsByName(t *testing.T, path string) map[string][]metricsdb.Row {
	t.Helper()
	byName := map[string][]metricsdb.Row{}
	for _, row := range list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{}) {
		byName[row.Version] = append(byName[row.Version], row)
	}
	return byName
}

// S1: processes that end in every way that lets them, at random times and with random figures, on one database. All is saved.
func TestRandomEnds(t *testing.T) {
	t.Parallel()
	random := chance(t)
	path := newPath(t)
	type end struct {
		mode       string
		by         syscall.Signal
		operations int
		after      time.Duration
	}
	ways := []end{
		{mode: "keep"}, {mode: "keep panic"}, {mode: "keep", by: syscall.SIGINT}, {mode: "keep", by: syscall.SIGTERM},
		{mode: "keep", by: syscall.SIGHUP}, {mode: "keep", by: syscall.SIGQUIT},
	}
	ends := make([]end, *runsFlag)
	for i := range ends {
		ends[i] = ways[random.IntN(len(ways))]
		ends[i].operations, ends[i].after = random.IntN(1_000_000), time.Duration(random.IntN(int(30*time.Millisecond)))
	}
	each(len(ends), func(i int) {
		p := startChild(t, ends[i].mode, path, map[string]string{childName: strconv.Itoa(i), childArg: strconv.Itoa(ends[i].operations)})
		p.ready(t)
		<-time.After(ends[i].after)
		endChild(t, p, ends[i].by)
		p.wait()
	})
	saved := rowsByName(t, path)
	for i, e := range ends {
		rows := saved[strconv.Itoa(i)]
		if len(rows) != 1 || rows[0].Ended != instrument.RunClean || rows[0].Operations != uint64(e.operations+later) {
			t.Errorf("run %d of %d operations, %s, signal %v after %v: %d rows %+v", i, e.operations+later, e.mode, e.by, e.after, len(rows), rows)
		}
	}
}

// promised reads what a child has been promised: by run, the operations of the last line that is whole.
func promised(t *testing.T, file string) map[string]uint64 {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	said := map[string]uint64{}
	for line := range strings.Lines(string(whole)) {
		run, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		if said[run], err = strconv.ParseUint(number, 10, 64); err != nil {
			t.Fatalf("%s: %q", file, line)
		}
	}
	return said
}

// S3 and S4: processes killed at random times, half of them while they write their spool, half while they end runs and merge
// them. What they were promised is there, the file is sound, and nothing of it is torn.
func TestRandomKills(t *testing.T) {
	t.Parallel()
	random := chance(t)
	path, notes := newPath(t), t.TempDir()
	log := &journal{}
	db := open(t, metricsdb.Config{Path: path, Logger: log.logger()})
	after := make([]time.Duration, *runsFlag)
	for i := range after {
		after[i] = time.Duration(random.IntN(int(40 * time.Millisecond)))
	}
	each(len(after), func(i int) {
		mode, name := []string{"hammer", "churn"}[i%2], strconv.Itoa(i)
		file := filepath.Join(notes, name)
		p := startChild(t, mode, path, map[string]string{childName: name, childTold: file})
		await(t, func() bool { _, err := os.Stat(file); return err == nil })
		<-time.After(after[i])
		endChild(t, p, syscall.SIGKILL)
		p.wait()
	})
	rows := map[string]metricsdb.Row{}
	for _, row := range list(t, db, metricsdb.Filter{}) {
		rows[row.Run] = row
	}
	for i := range after {
		for run, operations := range promised(t, filepath.Join(notes, strconv.Itoa(i))) {
			row := rows[run]
			if row.Operations < operations || row.Operations > operations+1 {
				t.Errorf("child %d after %v: run %s was promised %d operations, and has %d", i, after[i], run, operations, row.Operations)
			}
			if row.Ended == instrument.RunRunning {
				t.Errorf("child %d: run %s is still running", i, run)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var sound string
	if err := rawDB(t, path).QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("the file is %q, %v", sound, err)
	}
	for _, line := range log.warnings() {
		if strings.Contains(line, "aside") {
			t.Errorf("something was torn: %s", line)
		}
	}
}

// Many processes end at one instant, on a file that none has created yet and on one that is there. They are load enough
// without the tests that run in parallel.
func TestManyProcessesEndAtOnce(t *testing.T) {
	for _, children := range []int{16, 64} {
		t.Run(fmt.Sprint(children), func(t *testing.T) {
			path := newPath(t)
			for round := 1; round <= 2; round++ {
				endAtOnce(t, path, children)
				t.Logf("round %d: %d of %d left their spools to the reader", round, len(spools(t, path))/2, children)
				rows := list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{})
				if len(rows) != round*children {
					t.Errorf("round %d: %d rows, want %d", round, len(rows), round*children)
				}
				for _, row := range rows {
					if row.Operations != checkpointed+later || row.Ended != instrument.RunClean {
						t.Errorf("run %s ended %s with %d operations", row.Run, row.Ended, row.Operations)
					}
				}
			}
		})
	}
}

func endAtOnce(t *testing.T, path string, children int) {
	t.Helper()
	var all []*process
	for range children {
		all = append(all, startChild(t, "return", path, nil))
	}
	for _, p := range all {
		p.ready(t)
	}
	for _, p := range all {
		endChild(t, p, 0)
	}
	for _, p := range all {
		if state := p.wait(); state != "exit status 0" {
			t.Errorf("a child ended with %q", state)
		}
	}
}
