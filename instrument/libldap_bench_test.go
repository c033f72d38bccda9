// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// libraries are the names of OpenLDAP's C library for the linker: with the development package, and without it.
var libraries = [][]string{{"-lldap", "-llber"}, {"-l:libldap-2.5.so.0", "-l:liblber-2.5.so.0"}, {"-l:libldap.so.2", "-l:liblber.so.2"}}

// buildLibldap compiles the rival. A machine without a C compiler or the library skips it, and says what is missing.
func buildLibldap(b *testing.B) (program string) {
	b.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		b.Skip("libldap is not compared: there is no gcc; install gcc and libc6-dev")
	}
	program = filepath.Join(b.TempDir(), "libldap")
	var said []byte
	for _, library := range libraries {
		args := append([]string{"-O2", "-o", program, filepath.Join("testdata", "libldap.c")}, library...)
		if said, err = exec.Command(gcc, args...).CombinedOutput(); err == nil {
			return program
		}
	}
	b.Skipf("libldap is not compared: it does not link; install libldap-2.5-0 or libldap-dev: %s", said)
	return ""
}

// benchmarkLibldap runs one task of BenchmarkOverhead through OpenLDAP's C library.
func benchmarkLibldap(b *testing.B, server *slapd.Server, program, task string, entries int) {
	b.Helper()
	command := exec.Command(program, server.LDAP, server.RootDN, server.RootPW, task)
	in, inErr := command.StdinPipe()
	out, outErr := command.StdoutPipe()
	var failed strings.Builder
	command.Stderr = &failed
	if inErr != nil || outErr != nil {
		b.Fatal(inErr, outErr)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = command.Wait() }()
	lines := bufio.NewScanner(out)
	ask := func(n int) string {
		if n > 0 {
			fmt.Fprintln(in, n)
		}
		if !lines.Scan() {
			b.Fatalf("libldap has ended: %s", &failed)
		}
		return lines.Text()
	}
	ask(0) // until it is bound
	b.ResetTimer()
	got := ask(b.N)
	b.StopTimer()
	if got != strconv.Itoa(b.N*entries) {
		b.Fatalf("%s entries in %d searches", got, b.N)
	}
}
