// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

const (
	checkpointed = 1000 // operations that a child has counted when it says that it is ready; all are in its spool
	later        = 7    // operations that it counts after that, and that only a clean end can save
)

// child is a process that uses LDAP and ends as told.
func child(mode, path string) {
	switch mode {
	case "hammer":
		hammer(path)
	case "unprivileged":
		unprivileged(path)
	case "locked":
		locked(path)
	case "small":
		small(path)
	case "keep", "keep panic", "keep goexit", "keep twice", "keep pipe", "keep nohup":
		keeping(mode, path)
	case "churn":
		churn(path)
	case "once":
		once(path)
	case "bulk":
		bulk(path)
	case "delays":
		delays(path)
	default:
		counting(mode, path)
	}
}

// counting counts, checkpoints, says that it is ready, and ends in the way of its mode.
func counting(mode, path string) {
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer cancel()
	s, err := metricsdb.NewSpool(metricsdb.Config{Path: path, Checkpoint: time.Hour, History: -1}, metricsdb.NewRun("child", mode))
	must(err)
	var operations, seq atomic.Uint64
	operations.Store(checkpointed)
	source := func() []instrument.Snapshot {
		return []instrument.Snapshot{snapshot("CORP", seq.Add(1), operations.Load())}
	}
	running, end := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(running, source) }()
	finish := func() {
		end()
		if err := <-done; !errors.Is(err, metricsdb.ErrHangs) { // on a busy disk Finish has more patience than a checkpoint
			must(err)
		}
		_, err := s.Finish(source(), 0)
		must(settled(path, s.ID(), err))
	}
	must(checkpoint(s, source()))
	fmt.Println("ready")
	switch mode {
	case "return", "panic", "exit", "fatal", "panic elsewhere", "map", "stack", "PIPE", "forks":
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	default:
		<-stop.Done()
	}
	operations.Add(later)
	switch mode {
	case "exit":
		os.Exit(3)
	case "fatal":
		log.Fatal("fatal")
	case "panic elsewhere":
		go panic("elsewhere")
		select {}
	case "forks":
		heir := exec.Command("sleep", "60")
		must(heir.Start())
		fmt.Println(heir.Process.Pid)
		select {}
	case "map":
		shared := map[int]int{}
		for range 4 {
			go func() {
				for i := 0; ; i++ {
					shared[i%100]++
				}
			}()
		}
		select {}
	case "stack":
		debug.SetMaxStack(1 << 20)
		fmt.Println(deeper(1))
	case "PIPE":
		for {
			fmt.Println("to nobody")
		}
	case "panic":
		defer finish()
		panic("here")
	}
	finish()
}

func deeper(n int) int { return deeper(n+1) + n } //nolint:staticcheck // without an end, which is meant

// hammer writes its spool again and again until it is killed.
func hammer(path string) {
	s, err := metricsdb.NewSpool(metricsdb.Config{Path: path}, metricsdb.NewRun("child", os.Getenv(childName)))
	must(err)
	for seq := uint64(1); ; seq++ {
		must(checkpoint(s, []instrument.Snapshot{snapshot("CORP", seq, seq)}))
		if seq == 1 {
			fmt.Println("ready")
		}
		told(s, seq)
	}
}

// unprivileged opens and spools as a user who owns nothing, and says what the errors are.
func unprivileged(path string) {
	if os.Getuid() == 0 {
		must(syscall.Setgid(65534))
		must(syscall.Setuid(65534))
	}
	_, err := metricsdb.Open(context.Background(), metricsdb.Config{Path: path})
	fmt.Println(errors.Is(err, metricsdb.ErrPermission), err)
	_, err = metricsdb.NewSpool(metricsdb.Config{Path: path}, metricsdb.NewRun("child", "1"))
	fmt.Println(errors.Is(err, metricsdb.ErrPermission), err)
	db, err := metricsdb.Open(context.Background(), metricsdb.Config{Path: path, ReadOnly: true})
	must(err)
	rows, err := db.Runs(context.Background(), metricsdb.Filter{})
	must(err)
	fmt.Println(len(rows), db.Close())
}

// small may write files of 64 KiB at most, which is what a full disk looks like to a process.
func small(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := metricsdb.NewSpool(metricsdb.Config{Path: path}, metricsdb.NewRun("child", "small"))
	must(err)
	const limit = 64 << 10
	must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}))
	saved, err := s.Finish([]instrument.Snapshot{snapshot("CORP", 1, checkpointed)}, time.Second)
	must(settled(path, s.ID(), err))
	fmt.Println(saved.Merged, s.ID())
}

// locked says whether another process has the lock that every open connection has on its file.
func locked(path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(err)
	const sharedFirst, sharedSize = 0x40000000 + 2, 510 // of SQLite's file format
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: sharedFirst, Len: sharedSize}
	must(syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock))
	fmt.Println(lock.Type != syscall.F_UNLCK)
}
