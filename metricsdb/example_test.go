// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// A process saves what it used; a later one asks.
func Example() {
	folder, err := os.MkdirTemp("", "usage")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	cfg := metricsdb.Config{Path: filepath.Join(folder, "usage.db")}

	spool, err := metricsdb.NewSpool(cfg, metricsdb.NewRun("payroll", "1.4"))
	if err != nil {
		fmt.Println(err)
		return
	}
	used := instrument.Snapshot{Domain: "CORP", Seq: 1}
	used.Usage.Operations, used.Usage.SearchOperations = 42, 40
	saved, err := spool.Finish([]instrument.Snapshot{used}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("saved", saved.Operations, "operations")

	db, err := metricsdb.Open(context.Background(), cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	rows, err := db.Runs(context.Background(), metricsdb.Filter{Domain: "CORP"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range rows {
		fmt.Println(row.App, row.Domain, row.Ended, row.SearchOperations, "searches")
	}
	// Output:
	// saved 42 operations
	// payroll CORP clean 40 searches
}
