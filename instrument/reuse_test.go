// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

// What a reader was given stays as it was while the operations that leave the ring make room for others.
func TestCopiesOutliveTheirRecords(t *testing.T) {
	t.Parallel()
	const askers, most = 3, 2000
	scope := bounded(20, 0)
	filters := map[uint64]string{} // by connection
	exchanges := make([]*exchange, askers)
	for i := range exchanges {
		filter := fmt.Sprintf("(uid=user%d)", i)
		exchanges[i] = newExchangeOf(t, scope, filter)
		if err := exchanges[i].pass(); err != nil {
			t.Fatal(err)
		}
		newest := scope.Recorder().Latest(1).Operations[0]
		filters[newest.Conn] = filter
	}
	ctx, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for _, x := range exchanges {
		asking.Go(func() {
			for ctx.Err() == nil {
				job, end := scope.Job(context.Background(), "asks")
				for range 5 {
					if err := x.observed(job); err != nil {
						t.Error(err)
					}
				}
				end()
			}
		})
	}
	read := func() (seen []instrument.Operation) {
		seen = scope.Recorder().Latest(20).Operations
		for _, op := range seen {
			if whole, held, _, _ := scope.Recorder().Operation(op.Seq); held {
				seen = append(seen, whole)
			}
		}
		return seen
	}
	changed, unwatch := scope.Recorder().Watch()
	defer unwatch()
	checked := 0
	for checked < most {
		given := read()
		var before []instrument.Search
		for _, op := range given {
			before = append(before, *op.Search)
		}
		for since := scope.Recorder().Stats().Last; scope.Recorder().Stats().Last < since+200; {
			<-changed // until each of them has left
		}
		for i, op := range given {
			if op.Search.Filter != filters[op.Conn] || !reflect.DeepEqual(*op.Search, before[i]) {
				t.Fatalf("operation %d of connection %d was %+v and is %+v", op.Seq, op.Conn, before[i], *op.Search)
			}
		}
		checked += len(given)
	}
	stop()
	asking.Wait()
}

// Operations are found by their numbers, those alone that are held, in whatever order others leave: here the older ones of a
// large request, and small requests around it.
func TestHeldOperationsAreFound(t *testing.T) {
	t.Parallel()
	scope := bounded(200, 0)
	r := scope.Recorder()
	x := newExchange(t, scope)
	ask := func(ctx context.Context, times int) {
		for range times {
			if err := x.observed(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	small := func() {
		ctx, end := scope.Job(context.Background(), "small")
		ask(ctx, 3)
		end()
	}
	large, end := scope.Job(context.Background(), "large")
	defer end()
	for range 5 {
		small()
	}
	for round := range 60 {
		ask(large, 20)
		if round%10 == 9 {
			small()
		}
		var held, found []uint64
		for _, op := range r.Latest(1000).Operations {
			held = append(held, op.Seq)
		}
		slices.Sort(held)
		for seq := range r.Stats().Last + 2 {
			if op, ok, _, _ := r.Operation(seq); ok {
				found = append(found, op.Seq)
			}
		}
		if !slices.Equal(held, found) || len(held) != r.Stats().Operations {
			t.Fatalf("round %d: %d are held, %d are counted and %d found: %v, %v", round, len(held), r.Stats().Operations, len(found), held, found)
		}
	}
}
