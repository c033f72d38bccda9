// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// childServers tells the test, run as a process of its own, which servers to ask.
const childServers = "LDAPMGR_TEST_CHILD_SERVERS"

// descriptorsFor is how long the process runs that has none.
const descriptorsFor = 3 * time.Second

// realDescriptors runs this test as a process that may open 40 files, all of which it has opened, and that asks three servers
// for seconds.
func realDescriptors(t *testing.T) {
	t.Parallel()
	if servers := os.Getenv(childServers); servers != "" {
		exhaust(t, strings.Fields(servers))
		return
	}
	var urls []string
	for range 3 {
		urls = append(urls, ldaptest.Start(t, small()).URL())
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaults$/^F35$/^setrlimit$", "-test.v", "-test.timeout=60s")
	child.Env = append(os.Environ(), childServers+"="+strings.Join(urls, " "))
	if out, err := child.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("asked without a descriptor")) {
		t.Errorf("%v:\n%s", err, out)
	}
}

// exhaust takes every descriptor there is and looks what asking costs.
func exhaust(t *testing.T, servers []string) {
	t.Helper()
	var log bytes.Buffer
	c := bound(servers...)
	m, err := ldapmgr.New(ldapmgr.Config{
		Scope: instrument.New(), Logger: slog.New(slog.NewTextHandler(&log, nil)), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c},
	})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := m.Domain("")
	limit := syscall.Rlimit{Cur: 40, Max: 40}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	begin, before := time.Now(), processor(t)
	asked := 0
	for ; time.Since(begin) < descriptorsFor; asked++ {
		err := search(t, d)()
		if !errors.Is(err, ldapmgr.ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		pause(30 * time.Millisecond) // what is looked for is what goes on between the calls
	}
	wall, busy := time.Since(begin), processor(t)-before
	if share := float64(busy) / float64(wall); share > 0.05 {
		t.Errorf("%d calls without a descriptor took %.1f %% of a processor, want less than 5", asked, 100*share)
	}
	status := d.Status()
	if got := strings.Count(log.String(), "level=WARN"); got != 1 || len(status.Faults) != 1 || status.Faults[0].Class != ldapmgr.ClassDescriptors {
		t.Errorf("want one alert:\n%s%+v", log.String(), status.Faults)
	}
	for _, f := range taken {
		_ = f.Close()
	}
	for end := time.Now().Add(20 * time.Second); search(t, d)() != nil; pause(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no server is used again once there are descriptors")
		}
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
	fmt.Println("asked without a descriptor:", asked, "calls,", busy, "of", wall)
}

// processor is the time that this process has run on processors.
func processor(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
