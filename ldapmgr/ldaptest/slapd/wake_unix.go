// SPDX-License-Identifier: MIT

//go:build unix

package slapd

import (
	"os"
	"syscall"
)

// wake lets a process go on that SIGSTOP has stopped.
func wake(p *os.Process) { _ = p.Signal(syscall.SIGCONT) } // fails for a process that has ended, which is as well
