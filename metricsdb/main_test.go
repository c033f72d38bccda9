// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// The test binary starts itself again as a process that uses LDAP; these tell it how to end and where the database is.
const (
	childMode = "METRICSDB_TEST_CHILD"
	childPath = "METRICSDB_TEST_PATH"
	childName = "METRICSDB_TEST_NAME" // becomes the version of the program, so that a test finds its row
	childArg  = "METRICSDB_TEST_ARG"  // a number, or a word, for the mode
	childTold = "METRICSDB_TEST_TOLD" // a file to which it writes what it has been promised
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		child(mode, os.Getenv(childPath))
		return
	}
	goleak.VerifyTestMain(listening{m})
}

// start is a whole microsecond, the precision of the database.
var start = time.Date(2026, 3, 29, 0, 30, 0, 123456000, time.UTC)

func run(id string) instrument.Run {
	return instrument.Run{ID: id, Host: "web1", PID: 4711, App: "payroll", Version: "1.4", GoVersion: "go1.26", Start: start}
}

// snapshot has every field filled with figures that belong to operations.
func snapshot(domain string, seq, operations uint64) instrument.Snapshot {
	var latency instrument.Latency
	for i := range operations % 1000 {
		latency.Observe(time.Duration(i+1) * 100 * time.Microsecond)
	}
	s := instrument.Snapshot{
		Domain: domain, Server: "ldaps://dc1." + strings.ToLower(domain) + ".example", Seq: seq,
		At: start.Add(time.Duration(seq) * time.Second), Elapsed: time.Duration(seq) * time.Second,
		Latency: map[string]instrument.Latency{"search": latency, "bind": latency},
		Codes:   map[int64]uint64{0: operations, 49: 3, -1: 1},
		Pool:    instrument.PoolStats{Max: 8, Idle: 2, InUse: 1, Waits: 9, WaitTime: 7 * time.Millisecond, Timeouts: 1, Opened: 4, Closed: 1},
		Shapes: []instrument.ShapeTotal{
			{Domain: domain, ID: "00112233445566aa", Text: "(uid=?)", Kind: "search", Count: operations, Errors: 1, Total: time.Duration(operations) * time.Millisecond,
				Max: 80 * time.Millisecond, Entries: operations, Bytes: operations * 100, LastSeen: start.Add(time.Second)},
		},
	}
	s.Usage.InitialConnectionStartTime, s.Usage.OpenSocketStartTime = start.Add(time.Millisecond), start.Add(2*time.Millisecond)
	s.Usage.LastTransmittedTime, s.Usage.LastReceivedTime = start.Add(3*time.Millisecond), start.Add(4*time.Millisecond)
	for i, field := range instrument.CounterFields {
		*field.Field(&s.Usage.Counters) = uint64(i) * operations
	}
	s.Usage.Operations = operations
	return s
}

func newPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state", "usage.db")
}

func open(t testing.TB, cfg metricsdb.Config) *metricsdb.DB {
	t.Helper()
	db, err := metricsdb.Open(t.Context(), cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func list(t testing.TB, db *metricsdb.DB, f metricsdb.Filter) []metricsdb.Row {
	t.Helper()
	rows, err := db.Runs(context.WithoutCancel(t.Context()), f)
	if err != nil {
		t.Fatalf("Runs: %v", err)
	}
	return rows
}

func spool(t testing.TB, cfg metricsdb.Config, r instrument.Run) *metricsdb.Spool {
	t.Helper()
	s, err := metricsdb.NewSpool(cfg, r)
	if err != nil {
		t.Fatalf("NewSpool: %v", err)
	}
	return s
}

// checkpoint is one that waits for a disk that others keep busy: how long that takes is a subject of its own.
func checkpoint(s *metricsdb.Spool, snapshots []instrument.Snapshot) error {
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(time.Millisecond) {
		if err := s.Checkpoint(snapshots); !errors.Is(err, metricsdb.ErrHangs) || time.Now().After(deadline) {
			return err
		}
	}
}

// settled waits, where Finish has given the disk up, until the disk has done what it was asked: how long a busy one takes is
// a subject of its own.
func settled(path, run string, err error) error {
	lock := filepath.Join(path+".spool", run+".lock")
	for deadline := time.Now().Add(20 * time.Second); errors.Is(err, metricsdb.ErrHangs); <-time.After(time.Millisecond) {
		if !metricsdb.Held(lock) {
			return nil
		}
		if time.Now().After(deadline) {
			break
		}
	}
	return err
}

// spools lists the files of spools that are left, without the locks of the folder.
func spools(t testing.TB, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path + ".spool")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// journal collects what is logged.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(p))
	return len(p), nil
}

func (j *journal) warnings() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

// await polls until holds, and fails the test when that does not happen.
func await(t testing.TB, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what was waited for has not come")
		}
	}
}

// process is a child that has said it is ready.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stdout io.Closer
}

func startChild(t testing.TB, mode, path string, env map[string]string) *process {
	t.Helper()
	return startCommand(t, exec.Command(os.Args[0]), mode, path, env)
}

// startIgnoring starts a child as nohup does.
func startIgnoring(t testing.TB, mode, path string, env map[string]string) *process {
	t.Helper()
	return startCommand(t, exec.Command("sh", "-c", `trap "" HUP; exec "$0"`, os.Args[0]), mode, path, env)
}

func startCommand(t testing.TB, cmd *exec.Cmd, mode, path string, env map[string]string) *process {
	t.Helper()
	cmd.Env = append(os.Environ(), childMode+"="+mode, childPath+"="+path)
	for _, key := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, key+"="+env[key])
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &process{cmd: cmd, in: in, out: bufio.NewReader(out), stdout: out}
}

// line waits for a line of the child's and returns it without its end.
func (p *process) line(t testing.TB) string {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the child said %q and then: %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (p *process) ready(t testing.TB) {
	t.Helper()
	if line := p.line(t); line != "ready" {
		t.Fatalf("the child said %q", line)
	}
}

// wait returns how the child ended.
func (p *process) wait() string {
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.String()
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(90)
	}
}
