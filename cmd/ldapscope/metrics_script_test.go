// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// past writes a run that ended days ago with its usage at three instants, the last with so many operations:
// past DATABASE RUN DAYS APP HOST DOMAIN OPERATIONS.
func past(ts *testscript.TestScript, _ bool, args []string) {
	days, err := strconv.Atoi(args[2])
	ts.Check(err)
	operations, err := strconv.ParseUint(args[6], 10, 64)
	ts.Check(err)
	run := instrument.Run{ID: args[1], Host: args[4], PID: 4711, App: args[3], Version: "1.0", Start: time.Now().AddDate(0, 0, -days).Add(-time.Hour), Ended: instrument.RunClean}
	run.End = run.Start.Add(time.Hour)
	var all []instrument.Snapshot
	for seq := uint64(1); seq <= 3; seq++ {
		s := instrument.Snapshot{Domain: args[5], Server: "127.0.0.1:3890", Seq: seq, At: run.Start.Add(time.Duration(seq) * 20 * time.Minute), Elapsed: time.Duration(seq) * 20 * time.Minute}
		s.Usage.Operations, s.Usage.SearchOperations = operations/3*seq, operations/3*seq
		s.Usage.BindOperations = 5
		all = append(all, s)
	}
	run.End = all[2].At
	database := ts.Getenv("XDG_STATE_HOME") + "/ldapscope/usage.db"
	if args[0] != "-" {
		database = ts.MkAbs(args[0])
	}
	db, err := metricsdb.Open(context.Background(), metricsdb.Config{Path: database})
	ts.Check(err)
	ts.Check(db.Record(context.Background(), run, all))
	ts.Check(db.Close())
}

// failed keeps operations of a run that failed: failed RUN COUNT TEXT.
func failed(ts *testscript.TestScript, _ bool, args []string) {
	count, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	document, err := json.Marshal(map[string]string{"shape_text": args[2], "error": "invalidCredentials"})
	ts.Check(err)
	db, err := metricsdb.Open(context.Background(), metricsdb.Config{Path: ts.Getenv("XDG_STATE_HOME") + "/ldapscope/usage.db"})
	ts.Check(err)
	for seq := range count {
		ts.Check(db.SaveOperations(context.Background(), []metricsdb.SavedOperation{{
			Run: args[0], Seq: seq, Domain: "CORP", Kind: "bind", Reason: metricsdb.ReasonFailed, Start: time.Now(), Duration: 3000, Code: 49, Document: document,
		}}))
	}
	ts.Check(db.Close())
}

// table checks that stdout is CSV of n lines of equal length below its head: table N.
func table(ts *testscript.TestScript, _ bool, args []string) {
	lines, err := csv.NewReader(strings.NewReader(ts.ReadFile("stdout"))).ReadAll()
	ts.Check(err)
	if want, _ := strconv.Atoi(args[0]); len(lines) != want+1 {
		ts.Fatalf("%d lines below the head, want %s", len(lines)-1, args[0])
	}
}

// objects checks that stdout is a JSON array of n objects: objects N.
func objects(ts *testscript.TestScript, _ bool, args []string) {
	var list []map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &list))
	if want, _ := strconv.Atoi(args[0]); list == nil || len(list) != want {
		ts.Fatalf("%d objects, want %s", len(list), args[0])
	}
}
