// SPDX-License-Identifier: MIT

//go:build linux

package metricsdb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// S15: what a power cut leaves is what was synced. A process is watched at its system calls: a spool gets its name only once
// its content is on the disk, and goes only once the log of the database is.
func TestSyncedBeforeItCounts(t *testing.T) {
	t.Parallel()
	watcher := require.Program(t, "strace")
	path, calls := newPath(t), filepath.Join(t.TempDir(), "calls")
	list(t, open(t, metricsdb.Config{Path: path}), metricsdb.Filter{}) // whoever closes it last would sync it all the same
	watched := exec.Command(watcher, "-f", "-y", "-qq", "-e", "signal=none", "-o", calls,
		"-e", "trace=write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat", os.Args[0])
	p := startCommand(t, watched, "once", path, nil)
	if said := p.line(t); said != "merged true" {
		t.Fatalf("the child said %q", said)
	}
	p.wait()
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	renamed, removed := 0, 0
	dirty := map[string]bool{} // files with content that is not synced
	wal := path + "-wal"
	for line := range strings.Lines(string(text)) {
		call, file := systemCall(line)
		switch call {
		case "write", "pwrite64", "ftruncate":
			dirty[file] = true
		case "fsync", "fdatasync":
			dirty[file] = false
		case "rename", "renameat", "renameat2":
			if strings.HasSuffix(file, ".tmp") {
				renamed++
				if dirty[file] {
					t.Errorf("a spool got its name before it was synced: %s", line)
				}
			}
		case "unlink", "unlinkat":
			if strings.HasSuffix(file, ".json") {
				removed++
				if dirty[wal] {
					t.Errorf("a spool was removed before the log of the database was synced: %s", line)
				}
			}
		}
	}
	if _, written := dirty[wal]; renamed < 3 || removed != 1 || !written {
		t.Errorf("%d renames, %d removals, log written: %v; that is not what a process does\n%s", renamed, removed, written, text)
	}
}

// A line is "PID call(FD</path>, ...) = 0" or "PID call("/path", ...) = 0"; one that was interrupted begins so too.
var callLine = regexp.MustCompile(`^\d+ +(\w+)\((?:AT_FDCWD<[^>]*>, )?(?:\d+<([^>]*)>|"([^"]*)")`)

// systemCall returns a call and the first file that it is about.
func systemCall(line string) (call, file string) {
	m := callLine.FindStringSubmatch(line)
	if m == nil {
		return "", ""
	}
	return m[1], m[2] + m[3]
}
