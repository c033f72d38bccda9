// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// terminal is a pair of a terminal and what stands on it.
type terminal struct {
	t              *testing.T
	keyboard, line *os.File
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no terminals: %v", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { line.Close() })
	return &terminal{t, keyboard, line}
}

// echoes reports whether the terminal shows what is typed.
func (term *terminal) echoes() bool {
	term.t.Helper()
	state, err := unix.IoctlGetTermios(int(term.line.Fd()), unix.TCGETS)
	if err != nil {
		term.t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// awaitSilence waits until the program does not let the terminal show what is typed.
func (term *terminal) awaitSilence(ended <-chan error) {
	term.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); term.echoes(); {
		select {
		case err := <-ended:
			term.t.Fatalf("the program did not ask: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			term.t.Fatal("the program lets the password be shown")
		}
	}
}

// prompted starts a login on a terminal and waits for the question.
func prompted(t *testing.T) (*terminal, *exec.Cmd, *bytes.Buffer, <-chan error) {
	t.Helper()
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(5))})
	config := write(t, "config.yaml", fmt.Sprintf("domains:\n  EXAMPLE: {servers: [%q], base: %q, bind: {name: %q, password: {value: %q}}}\n",
		server.URL(), ldaptest.DefaultSuffix, ldaptest.CompanyService, ldaptest.CompanyServicePassword))
	term := newTerminal(t)
	program, err := exec.LookPath("ldapscope")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "login", "--config", config, "ada")
	said := &bytes.Buffer{}
	command.Stdin, command.Stdout, command.Stderr = term.line, said, said
	command.Env = environment(t.TempDir())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }() // ends with the process, for which the test waits
	term.awaitSilence(ended)
	return term, command, said, ended
}

// TestPasswordIsNotShown types a password on a terminal.
func TestPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	term, _, said, ended := prompted(t)
	if _, err := term.keyboard.WriteString(ldaptest.CompanyPassword + "\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if !strings.Contains(said.String(), "Password of ada: ") || !strings.Contains(said.String(), "ada may log in to EXAMPLE") || strings.Contains(said.String(), ldaptest.CompanyPassword) {
		t.Errorf("the program says\n%s", said)
	}
	if !term.echoes() {
		t.Error("the terminal does not show what is typed any more")
	}
	if shown := term.shown(); strings.Contains(shown, ldaptest.CompanyPassword) {
		t.Errorf("the terminal shows %q", shown)
	}
}

// shown is everything that stands on the terminal.
func (term *terminal) shown() string {
	term.t.Helper()
	const end = "(end)"
	if _, err := term.line.WriteString(end); err != nil {
		term.t.Fatal(err)
	}
	var all strings.Builder
	for part := make([]byte, 1024); !strings.Contains(all.String(), end); {
		n, err := term.keyboard.Read(part)
		if err != nil {
			term.t.Fatal(err)
		}
		all.Write(part[:n])
	}
	return all.String()
}

// TestInterruptedPrompt leaves the terminal as it was.
func TestInterruptedPrompt(t *testing.T) {
	t.Parallel()
	term, command, said, ended := prompted(t)
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || command.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v\n%s", err, said)
	}
	if !term.echoes() {
		t.Error("the terminal does not show what is typed any more")
	}
}
