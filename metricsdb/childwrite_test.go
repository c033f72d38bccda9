// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// told appends what the child has been promised to a file that the test reads when the child is stopped or gone: that so
// many operations of its run are safe.
func told(s *metricsdb.Spool, operations uint64) {
	name := os.Getenv(childTold)
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	must(err)
	_, err = fmt.Fprintf(f, "%s %d\n", s.ID(), operations)
	must(err)
	must(f.Close())
}

// churn is one short run after the other, each with its checkpoints and its end.
func churn(path string) {
	for {
		s, err := metricsdb.NewSpool(metricsdb.Config{Path: path}, metricsdb.NewRun("child", os.Getenv(childName)))
		must(err)
		for seq := uint64(1); seq <= 3; seq++ {
			must(checkpoint(s, []instrument.Snapshot{snapshot("CORP", seq, seq)}))
			told(s, seq)
		}
		_, err = s.Finish([]instrument.Snapshot{snapshot("CORP", 4, 4)}, time.Second)
		must(settled(path, s.ID(), err))
		told(s, 4)
	}
}

// once is one run that waits as long as it takes for its usage to be in the database.
func once(path string) {
	s, err := metricsdb.NewSpool(metricsdb.Config{Path: path}, metricsdb.NewRun("child", "once"))
	must(err)
	must(checkpoint(s, []instrument.Snapshot{snapshot("CORP", 1, 1)}))
	saved, err := s.Finish([]instrument.Snapshot{snapshot("CORP", 2, 2)}, time.Minute)
	must(err)
	fmt.Println("merged", saved.Merged)
}

// bulk writes as many documents as it is told, each some 200 kB.
func bulk(path string) {
	count, err := strconv.Atoi(os.Getenv(childArg))
	must(err)
	db, err := metricsdb.Open(context.Background(), metricsdb.Config{Path: path, BusyTimeout: 10 * time.Minute})
	must(err)
	for range count {
		var all []instrument.Snapshot
		for seq := range uint64(100) {
			all = append(all, snapshot("CORP", seq+1, 900))
		}
		must(db.Record(context.Background(), metricsdb.NewRun("child", "bulk"), all))
	}
	must(db.Close())
	fmt.Println("done")
}

// plainWrite is how long the disk takes for a small file at the moment.
func plainWrite(path string) time.Duration {
	begun := time.Now()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	must(err)
	_, err = f.Write(make([]byte, 4096))
	must(err)
	must(f.Sync())
	must(f.Close())
	return time.Since(begun)
}

// delays ends runs again and again and says how long that took, and how long a plain write took beside.
func delays(path string) {
	which, count, _ := strings.Cut(os.Getenv(childArg), " ")
	n, err := strconv.Atoi(count)
	must(err)
	switch which {
	case "unprivileged":
		if os.Getuid() == 0 {
			must(syscall.Setgid(65534))
			must(syscall.Setuid(65534))
		}
	case "full":
		const limit = 64 << 10
		must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}))
	}
	var all, plain []time.Duration
	merged := 0
	for range n {
		s, err := metricsdb.NewSpool(metricsdb.Config{Path: path}, metricsdb.NewRun("child", which))
		must(err)
		last := []instrument.Snapshot{snapshot("CORP", 1, 900)}
		plain = append(plain, plainWrite(filepath.Join(path+".spool", ".plain")))
		begun := time.Now()
		saved, err := s.Finish(last, 0)
		all = append(all, time.Since(begun))
		must(settled(path, s.ID(), err))
		if saved.Merged {
			merged++
		}
	}
	slices.Sort(all)
	slices.Sort(plain)
	fmt.Println(merged, plain[n/2].Microseconds(), all[n/2].Microseconds(), all[n*99/100].Microseconds(), all[n-1].Microseconds())
}
