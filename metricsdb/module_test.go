// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/metricsdb"
)

type module struct{ Version, GoMod string }

func moduleOf(t *testing.T, path string) module {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-json", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var m module
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// The driver is translated for one version of its C library and works with no other; an update of all modules would bring
// another unnoticed.
func TestDriverHasItsLibrary(t *testing.T) {
	t.Parallel()
	const library = "modernc.org/libc"
	data, err := os.ReadFile(moduleOf(t, "modernc.org/sqlite").GoMod)
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == library {
			want = fields[1]
		}
	}
	if got := moduleOf(t, library).Version; want == "" || got != want {
		t.Errorf("%s is %s, the driver needs %q: go get %s@%s", library, got, want, library, want)
	}
}

// Earlier versions of SQLite could damage a file in write-ahead mode.
func TestEngineVersion(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	open(t, metricsdb.Config{Path: path})
	var version string
	if err := rawDB(t, path).QueryRowContext(t.Context(), "SELECT sqlite_version()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	var got [3]int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &got[0], &got[1], &got[2]); err != nil {
		t.Fatal(err)
	}
	if least := [3]int{3, 51, 3}; slices.Compare(got[:], least[:]) < 0 {
		t.Errorf("SQLite is %s, which is older than %v", version, least)
	}
}
