// SPDX-License-Identifier: MIT

package main_test

import (
	"io"
	"os"
	"os/exec"
	"testing"
)

// process is a program that runs outside of the test.
type process struct {
	*running
	command *exec.Cmd
	stdin   io.WriteCloser
}

// startProcess runs a command of TestMain until the test ends, or stop is called.
func startProcess(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	r := &running{t: t, home: home, stdout: &output{}, stderr: &output{}, ended: make(chan struct{})}
	p := &process{running: r, command: exec.Command(path, args...)}
	p.command.Env = environment(home, env...)
	p.command.Stdout, p.command.Stderr = r.stdout, r.stderr
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	r.end = func() { _ = p.command.Process.Signal(os.Interrupt) } // it has ended already if this fails
	go func() {                                                   // ends with the process, for which stop waits
		defer close(r.ended)
		_ = p.command.Wait() // the exit code tells
		r.code = p.command.ProcessState.ExitCode()
	}()
	t.Cleanup(func() {
		if r.stop() == -1 {
			_ = p.command.Process.Kill() // only when it has not ended by itself
			<-r.ended
		}
	})
	r.open(args)
	return p
}
