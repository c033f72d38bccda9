// SPDX-License-Identifier: MIT

//go:build unix

package samba

import (
	"os/exec"
	"syscall"
)

// apart gives the server a process group, so that its children can be ended by one number too.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks the server to end. It hears that only when it is not stopped.
func terminate(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGCONT)
	_ = cmd.Process.Signal(syscall.SIGTERM)
}

// kill ends what is left of the server and its children. Without any it fails, which is as well.
func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
