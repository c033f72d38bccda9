// SPDX-License-Identifier: MIT

package postgres_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/postgres"
)

// orphanVariable makes the test program start a server, say where, and wait to be killed.
const orphanVariable = "LDAPSCOPE_POSTGRES_ORPHAN"

func TestMain(m *testing.M) {
	if os.Getenv(orphanVariable) != "" {
		var s postgres.Server
		s.Start(lonely{})
		fmt.Println(folder(&s))
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	goleak.VerifyTestMain(m)
}

// lonely is a test that nobody cleans up after.
type lonely struct{}

func (lonely) Helper()                           {}
func (lonely) Skipf(format string, args ...any)  { fmt.Printf(format+"\n", args...) }
func (lonely) Fatalf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func folder(s *postgres.Server) string {
	host, _, _ := strings.Cut(s.DSN(), " ")
	return strings.TrimPrefix(host, "host=")
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	var s postgres.Server
	t.Cleanup(func() { _ = s.Stop() })
	s.Start(t)
	before := s.DSN()
	s.Start(t)
	if s.DSN() != before {
		t.Errorf("a second server was started: %s, %s", before, s.DSN())
	}
	if err := s.Run("CREATE TABLE a (b BIGINT);\nINSERT INTO a VALUES (1);"); err != nil {
		t.Error(err)
	}
	if err := s.Run("SELECT nothing;\nDROP TABLE a;"); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("a script that fails: got %v", err)
	}
	if err := s.Run("INSERT INTO a VALUES (2);"); err != nil {
		t.Errorf("a script goes on after a failure: %v", err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if gone(t, folder(&s)); s.Run("SELECT 1;") == nil {
		t.Error("the server answers after a stop")
	}
	if err := s.Stop(); err != nil {
		t.Errorf("a second stop: %v", err)
	}
	s.Start(t)
	if err := s.Run("CREATE TABLE a (b BIGINT);"); err != nil {
		t.Errorf("started again: %v", err)
	}
}

// A test program that is killed leaves no server behind, and no folder.
func TestEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	var s postgres.Server
	t.Cleanup(func() { _ = s.Stop() })
	s.Start(t) // or skip
	cmd := exec.CommandContext(t.Context(), os.Args[0])
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
	place := strings.TrimSpace(line)
	if _, missing := os.Stat(place); missing != nil {
		t.Fatalf("the other process says %q: %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	gone(t, place)
}

// gone waits until a folder is not there. Its server ends before it.
func gone(t *testing.T, folder string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", folder)
		}
	}
}
