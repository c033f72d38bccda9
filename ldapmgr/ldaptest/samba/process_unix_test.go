// SPDX-License-Identifier: MIT

//go:build unix

package samba_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// running reports whether a process, or one of its group, is there.
func running(pid int) bool { return !errors.Is(syscall.Kill(-pid, 0), syscall.ESRCH) }

func TestStopEndsEveryProcess(t *testing.T) {
	t.Parallel()
	s := samba.Start(t, config)
	pid := s.Pid()
	if !running(pid) {
		t.Fatal("the server does not run")
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // a stopped process does not hear the next signal
		t.Fatal(err)
	}
	s.Stop()
	if running(pid) {
		t.Errorf("process %d runs after a stop", pid)
	}
}

// A test program that is killed leaves no server behind.
func TestEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	common.get(t) // or skip
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), orphanVariable+"=1")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	var pid int
	var ip string
	if _, scan := fmt.Sscan(line, &pid, &ip); scan != nil {
		t.Fatalf("the other process says %q: %v, %v", line, err, scan)
	}
	if !running(pid) {
		t.Fatal("its server does not run")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	deadline, tick := time.Now().Add(10*time.Second), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for running(pid) && !zombie(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("the server still runs as process %d on %s", pid, ip)
		}
		<-tick.C
	}
}

// zombie reports whether a process has ended and only its parent, which is gone, was never told: containers without an
// init process keep such.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(text), ") ")
	return err == nil && strings.HasPrefix(state, "Z")
}
