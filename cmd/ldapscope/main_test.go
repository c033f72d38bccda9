// SPDX-License-Identifier: MIT

package main_test

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
)

// TestMain puts the program itself into the search path, so that scripts and tests can run it as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"ldapscope": interactive, "ldapscope-panics": panics})
}

// leakless fails a run that leaves goroutines behind.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	code := l.m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// interactive is the program as a terminal starts it. A shell that runs the tests in its background has INT ignored, which
// processes inherit, and which the program respects.
func interactive() {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, os.Interrupt)
	signal.Stop(heard)
	program.Main()
}

// panics is the program, but a line on stdin makes it panic in a goroutine of which main knows nothing.
func panics() {
	go func() { // ends with the process
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		panic("a fault in the application")
	}()
	interactive()
}
