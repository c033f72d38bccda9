// SPDX-License-Identifier: MIT

//go:build !unix

package samba

import (
	"os"
	"os/exec"
)

func apart(*exec.Cmd) {}

func terminate(cmd *exec.Cmd) { _ = cmd.Process.Signal(os.Interrupt) }

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
