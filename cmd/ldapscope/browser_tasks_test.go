// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// task is one of what a browser's threads do, as it traces them. Busy is the part of its time in which it had a processor.
type task struct {
	Name   string
	Thread int `json:"tid"`
	Pid    int
	Took   float64 `json:"dur"`  // microseconds
	Busy   float64 `json:"tdur"` // microseconds
}

// taskMark is a mark that the page sets, which tells its thread from the others.
const taskMark = "ldapscope-page"

// busiest traces the browser while do runs, and returns the longest time in milliseconds for which one task of the page had a processor.
// What a task takes besides that, it waits.
func (b *tab) busiest(do func()) float64 {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	var all []task
	done := make(chan struct{}) // closed by the goroutine that reads from the browser, which fills all
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *tracing.EventDataCollected:
			for _, value := range e.Value {
				var found task
				_ = json.Unmarshal(value, &found) // a browser writes JSON; what is no task has another name
				if found.Name == taskMark || found.Name == "ThreadControllerImpl::RunTask" {
					all = append(all, found)
				}
			}
		case *tracing.EventTracingComplete:
			close(done)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	config := &tracing.TraceConfig{IncludedCategories: []string{"toplevel", "blink.user_timing"}, ExcludedCategories: []string{"*"}}
	if _, err := chromedp.Call(ctx, tracing.Start, tracing.StartParams{TransferMode: "ReportEvents", TraceConfig: config}); err != nil {
		b.t.Fatal(err)
	}
	asks[bool](b, `Boolean(performance.mark("`+taskMark+`"))`)
	do()
	if _, err := chromedp.Call(ctx, tracing.End, struct{}{}); err != nil {
		b.t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(browserPatience):
		b.t.Fatal("the browser does not end its trace")
	}
	return longest(b.t, all)
}

// longest is that of the thread that set the mark.
func longest(t testing.TB, all []task) (busy float64) {
	t.Helper()
	var page task
	for _, found := range all {
		if found.Name == taskMark {
			page = found
		}
	}
	if page.Pid == 0 {
		t.Fatalf("none of %d tasks is of the page", len(all))
	}
	for _, found := range all {
		if found.Pid == page.Pid && found.Thread == page.Thread {
			busy = max(busy, found.Busy/1000)
		}
	}
	return busy
}
