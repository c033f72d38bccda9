// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// keeping is a program around Keep: it counts what it is told to, says that it is ready, ends as its mode says, and counts
// once more what closing connections brings.
func keeping(mode, path string) {
	count, err := strconv.ParseUint(os.Getenv(childArg), 10, 64)
	must(err)
	if mode != "keep nohup" {
		// The test may itself run where a shell has INT ignored, and that would be inherited.
		own := make(chan os.Signal, 1)
		signal.Notify(own, syscall.SIGINT, syscall.SIGHUP)
		signal.Stop(own)
	}
	var operations, seq atomic.Uint64
	source := func() []instrument.Snapshot {
		return []instrument.Snapshot{snapshot("CORP", seq.Add(1), operations.Load())}
	}
	cfg := metricsdb.Config{Path: path, History: -1, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	work := func(ctx context.Context) error {
		operations.Add(count)
		fmt.Println("ready")
		defer operations.Add(later)
		return endWork(ctx, mode)
	}
	saved, err := metricsdb.Keep(context.Background(), cfg, metricsdb.NewRun("child", os.Getenv(childName)), source, work)
	if told, has := errors.AsType[*metricsdb.SignalError](err); has {
		fmt.Println("signal", told.Signal, saved.Operations)
		return
	}
	fmt.Println("returned", err, saved.Operations)
}

func endWork(ctx context.Context, mode string) error {
	line := make(chan error, 1)
	go func() {
		_, err := bufio.NewReader(os.Stdin).ReadString('\n')
		line <- err
	}()
	select {
	case <-ctx.Done():
	case err := <-line:
		must(err)
	}
	switch mode {
	case "keep panic":
		panic("in the work")
	case "keep goexit":
		go func() { // the end of main's goroutine alone does not end a process
			<-time.After(300 * time.Millisecond)
			os.Exit(7)
		}()
		runtime.Goexit()
	case "keep twice":
		fmt.Println("asked once")
		select {} // does not want to end
	case "keep pipe":
		for range 3 {
			_, err := os.Stdout.WriteString("to nobody\n")
			if errors.Is(err, syscall.EPIPE) {
				return nil
			}
		}
		return errors.New("stdout is still open")
	}
	return context.Cause(ctx)
}
