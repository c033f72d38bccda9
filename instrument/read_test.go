// SPDX-License-Identifier: MIT

package instrument_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

// jobs runs jobs without operations, one after the other.
func jobs(t *testing.T, scope *instrument.Scope, count int) (names []string) {
	t.Helper()
	for i := range count {
		name := fmt.Sprint("job ", i)
		_, end := scope.Job(t.Context(), name)
		end()
		names = append(names, name)
	}
	return names
}

func namesOf(requests []instrument.Request) (names []string) {
	for _, q := range requests {
		names = append(names, q.Name)
	}
	return names
}

// Who goes on after the last change of a page sees every request.
func TestRequestsByPages(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	want := jobs(t, scope, 5)
	var seen []string
	for after := uint64(0); ; {
		page := scope.Recorder().Requests(after, 2)
		if len(page) == 0 {
			break
		}
		for _, q := range page {
			after = max(after, q.Updated)
		}
		seen = append(seen, namesOf(page)...)
	}
	if !slices.Equal(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
}

func TestNewestRequests(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	all := jobs(t, scope, 5)
	for _, limit := range []int{0, 2, 5, 9} {
		if got, want := namesOf(scope.Recorder().NewestRequests(limit)), all[max(0, len(all)-limit):]; !slices.Equal(got, want) {
			t.Errorf("the newest %d are %q, want %q", limit, got, want)
		}
	}
}

// Exactly n operations changed after what Before returns.
func TestBefore(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	w, r := wireUp(t, scope), scope.Recorder()
	w.run(10)
	for _, n := range []int{0, 1, 4, 9} {
		if got := len(r.Since(r.Before(n), 1000).Operations); got != n {
			t.Errorf("%d operations changed after Before(%d)", got, n)
		}
	}
	for _, n := range []int{10, 11} {
		if got := r.Before(n); got != 0 {
			t.Errorf("Before(%d) is %d with 10 operations, want 0", n, got)
		}
	}
}
