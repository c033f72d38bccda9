// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// perPerson is the most that a sync of everybody may hold for each person beyond the page that it is at: the key that tells
// who was found, and the person's place in the groups. An entry alone is several times that.
const perPerson = 400

// TestAllHoldsNoPeople compares syncs of different size: what grows with the number of people is bounded for each of them, and
// the operations grow by pages and not by people. It is not parallel: it measures the process.
func TestAllHoldsNoPeople(t *testing.T) {
	const few, many, page = 1_000, 6_000, ldapmgr.DefaultPageSize
	small, large := measured(t, few), measured(t, many)
	t.Logf("%d people: %+v; %d people: %+v", few, small, many, large)
	if grown := large.peak - small.peak; grown > (many-few)*perPerson {
		t.Errorf("%d people more take %d bytes more, %d for each; want %d at most", many-few, grown, grown/(many-few), perPerson)
	}
	if want := int64(1 + (many+page-1)/page + (many/10+page-1)/page); large.searches != want {
		t.Errorf("%d searches for %d people, want one for how recent the server is and one for each page of people and of groups, %d", large.searches, many, want)
	}
}

// cost is what one sync of everybody took when nothing had changed.
type cost struct {
	peak     int64 // bytes in use beyond those of before, at the end of the page where that was most
	searches int64
}

// ownRoster keeps accounts in memory, of whole directories too.
type ownRoster struct {
	ownSink
	run ldapmgr.Run
}

func (o *ownRoster) Each(context.Context, string) iter.Seq2[ldapmgr.Stored, error] {
	return func(yield func(ldapmgr.Stored, error) bool) {
		for _, account := range o.accounts {
			if !yield(account, nil) {
				return
			}
		}
	}
}

func (o *ownRoster) LastRun(context.Context, string) (ldapmgr.Run, error) { return o.run, nil }

func (o *ownRoster) SaveRun(_ context.Context, _ string, run ldapmgr.Run) error {
	o.run = run
	return nil
}

// measured syncs a crowd of which nothing changed, into accounts in memory, which the manager holds nothing of.
func measured(t testing.TB, people int) (c cost) {
	t.Helper()
	s := crowdStage(t, people, nil)
	s.scope.Recorder().SetRecording(false) // what it keeps is bounded, and not the sync's
	syncer := ldapmgr.NewSyncer(s.syncer.Manager(), &ownRoster{ownSink: ownSink{accounts: map[string]ldapmgr.Stored{}}}, ldapmgr.Hooks{})
	sync := func(progress func(int)) *ldapmgr.Report {
		report, err := syncer.All(t.Context(), "", ldapmgr.AllOptions{Apply: true, Progress: progress})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if report := sync(nil); len(report.Plans) != people {
		t.Fatalf("the first sync has %d plans for %d people", len(report.Plans), people)
	}
	inUse := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, searches := inUse(), wireUsage(s.scope).SearchOperations
	report := sync(func(int) { c.peak = max(c.peak, inUse()-before) })
	c.searches = int64(wireUsage(s.scope).SearchOperations - searches)
	if report.People != people || len(report.Plans) != 0 {
		t.Fatalf("%d people and %d plans, want %d and none", report.People, len(report.Plans), people)
	}
	return c
}

// BenchmarkAll syncs everybody in groups of ten, of whom nothing changed, and tells time, operations, SQL statements, and the most
// memory that was in use at the end of any page beyond that of before, for each person too.
func BenchmarkAll(b *testing.B) {
	for _, people := range []int{2_000, 10_000, 20_000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			c := measured(b, people)
			r := crowded(b, people, nil)
			b.ReportAllocs()
			var operations, reads, writes int64
			for b.Loop() {
				operations, _, reads, writes = r.spent(func() { r.all(0) })
			}
			b.ReportMetric(float64(operations), "ldap-ops")
			b.ReportMetric(float64(reads+writes), "sql-statements")
			b.ReportMetric(float64(c.peak), "peak-B")
			b.ReportMetric(float64(c.peak)/float64(people), "peak-B/person")
		})
	}
}
