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

// A program leaves its end to Keep: signals, panics and the order of saving.
func ExampleKeep() {
	folder, err := os.MkdirTemp("", "usage")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	cfg := metricsdb.Config{Path: filepath.Join(folder, "usage.db")}

	scope := instrument.New() // what the program's connections are made with
	saved, err := metricsdb.Keep(context.Background(), cfg, metricsdb.NewRun("payroll", "1.4"), scope.Snapshots,
		func(ctx context.Context) error { // all that main does, until ctx ends
			scope.Declare("CORP", nil)
			return nil
		})
	fmt.Println("saved", saved.Operations, "operations of", saved.Domains, "domain")
	if err != nil {
		fmt.Println(err) // of the work: what could not be saved is logged
	}
	// Output:
	// saved 0 operations of 1 domain
}
