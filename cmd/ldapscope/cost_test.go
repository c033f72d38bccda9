// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"strings"
	"testing"
)

// searched is an operation as costOf reads it.
func searched(step, filter, shape string, entries int, micros int64) spent {
	return spent{
		Kind: "search", Step: step, State: "done", Entries: entries, Micros: micros, shape: shape,
		Search: &spentSeek{Base: "dc=x", Scope: "sub", Filter: filter}, Result: &spentCode{Name: "success"},
	}
}

// TestCostFolds: a few operations have a line each; many share one where step, kind, shape and result are the same, in the order
// of the first, and times and entries add up.
func TestCostFolds(t *testing.T) {
	t.Parallel()
	const shape = "search sub dc=? (uid=?)"
	printed := func(c cost) []string {
		t.Helper()
		var b strings.Builder
		if err := c.print(&b); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for line := range strings.Lines(b.String()) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		return lines
	}
	wantLines := func(c cost, want ...string) {
		t.Helper()
		if got := printed(c); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	few := cost{Operations: []spent{
		{Kind: "bind", Bind: &spentBind{Method: "simple", Name: "cn=a"}, Micros: 900, Result: &spentCode{Name: "invalidCredentials"}},
		searched("", "(uid=1)", shape, 1, 1000), searched("", "(uid=2)", shape, 1, 1000), {Kind: "unbind", State: "done", Micros: 5},
	}, TookMicros: 2_500_000, BytesReceived: 2048, Connections: 1, ConnectMicros: 1500}
	wantLines(few,
		"KIND ENTRIES TIME RESULT WHAT", "bind 900 µs invalidCredentials cn=a", "search 1 1 ms success (uid=1)", "search 1 1 ms success (uid=2)", "unbind 5 µs -",
		"4 operations in 2.5 s, 2.05 kB received; 1 new connection took 1.5 ms")

	var many cost
	for i := range 12 {
		many.Operations = append(many.Operations, searched("sync.user", fmt.Sprintf("(uid=%d)", i), shape, 2, 1000))
	}
	for i := range 3 {
		many.Operations = append(many.Operations, searched("sync.groups", fmt.Sprintf("(uid=%d)", i), shape, 0, 10))
	}
	failed := searched("sync.user", "(uid=9)", shape, 0, 7)
	failed.Result = &spentCode{Name: "busy"}
	many.Operations = append(many.Operations, failed, searched("sync.user", "(cn=1)", "", 1, 3), searched("sync.user", "(cn=2)", "", 0, 1),
		searched("sync.user", "(cn=1)", "", 1, 3))
	if n := len(many.Operations); n != foldFrom-1 {
		t.Fatalf("%d operations, want one less than are folded", n)
	}
	if got := printed(many); len(got) != foldFrom+1 {
		t.Errorf("%d lines for %d operations, want one each:\n%s", len(got), foldFrom-1, strings.Join(got, "\n"))
	}
	many.Operations = append(many.Operations, searched("sync.user", "(uid=12)", shape, 2, 1000))
	wantLines(many,
		"STEP KIND ENTRIES TIME RESULT WHAT",
		"sync.user search 26 13 ms success 13 times search sub dc=? (uid=?)",
		"sync.groups search 0 30 µs success 3 times search sub dc=? (uid=?)",
		"sync.user search 0 7 µs busy (uid=9)",
		"sync.user search 2 6 µs success 2 times (cn=1)",
		"sync.user search 0 1 µs success (cn=2)",
		"20 operations in 0 µs, 0 B received")
}
