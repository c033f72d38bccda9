// SPDX-License-Identifier: MIT

//go:build unix

package metricsdb

import (
	"os"
	"os/signal"
	"syscall"
)

// endings are the signals that ask a process to end in good order.
var endings = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// ignorePipe ignores SIGPIPE until the function that it returns is called.
func ignorePipe() (restore func()) {
	if signal.Ignored(syscall.SIGPIPE) {
		return func() {}
	}
	signal.Ignore(syscall.SIGPIPE)
	return func() { // signal.Reset alone would leave it ignored
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, syscall.SIGPIPE)
		signal.Stop(heard)
	}
}

// status is what a shell says of a process that a signal has ended.
func status(s os.Signal) int {
	if number, ok := s.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return 1
}
