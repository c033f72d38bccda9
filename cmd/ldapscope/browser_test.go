// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// browserSlots lets one browser run at a time: it takes more than a core while it starts.
var browserSlots = make(chan struct{}, 1)

// browserPatience is how long tests wait for a page. How quick a page is, benchmarks say.
const browserPatience = 3 * patience

// tab is a page in a Chromium of its own. What the page does wrong fails the test: console errors and warnings,
// exceptions, and requests to another origin than those that were opened.
type tab struct {
	t   testing.TB
	ctx context.Context

	mu      sync.Mutex // guards everything below
	origins map[string]bool
	faults  []string
	allowed []string // parts of faults that a test expects
}

// opensBrowser starts a Chromium of the given size until the test ends.
func opensBrowser(t testing.TB, width, height int64) *tab {
	t.Helper()
	path := require.Program(t, "chromium")
	browserSlots <- struct{}{}
	t.Cleanup(func() { <-browserSlots })
	b := &tab{t: t, origins: map[string]bool{}}
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-ipc-flooding-protection", true), chromedp.Flag("no-proxy-server", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("enable-precise-memory-info", true), chromedp.Flag("js-flags", "--expose-gc"))
	var cancel context.CancelFunc
	b.ctx, cancel = chromedp.NewContext(allocator, chromedp.WithListener(b.listen), chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		_ = chromedp.Cancel(b.ctx) // waits for the browser to end; its folder is deleted after
		cancel()
		stop()
		for _, fault := range b.unexpected() {
			t.Errorf("the page: %s", fault)
		}
	})
	b.do(chromedp.EmulateViewport(width, height))
	return b
}

// listen runs on the goroutine that reads from the browser.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			b.faults = append(b.faults, fmt.Sprintf("console %s %s", e.Type, e.Args[0].Value))
		}
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, fmt.Sprintf("exception %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.faults = append(b.faults, fmt.Sprintf("log %s %s", e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		b.request(e.Request.URL)
	case *network.EventWebSocketCreated:
		b.request("http" + strings.TrimPrefix(e.URL, "ws"))
	}
}

func (b *tab) request(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "http" && b.origins[u.Host] || u.Scheme == "data" || u.Scheme == "about" {
		return
	}
	b.faults = append(b.faults, "a request to another origin: "+address)
}

// allow names a part of a fault that is expected, such as refused connections while there is no network.
func (b *tab) allow(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = append(b.allowed, part)
}

func (b *tab) unexpected() (left []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		expected := false
		for _, part := range b.allowed {
			expected = expected || strings.Contains(fault, part)
		}
		if !expected {
			left = append(left, fault)
		}
	}
	return left
}

// do runs steps in the browser; none of them may take longer than the browser's patience.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx); err != nil { // starts the browser with a context that lives as long as it
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("the browser: %v; faults so far: %q", err, b.unexpected())
	}
}

// visit opens an address; its origin is one that pages may ask from now on.
func (b *tab) visit(address string) {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.origins[u.Host] = true
	b.mu.Unlock()
	b.do(chromedp.Navigate(address))
}

// asks evaluates an expression; a promise is waited for.
func asks[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, browserPatience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// await polls until an expression is true. what names it where it does not come.
func (b *tab) await(what, expression string) {
	b.t.Helper()
	deadline := time.NewTimer(browserPatience)
	defer deadline.Stop()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !asks[bool](b, "Boolean("+expression+")") {
		select {
		case <-tick.C:
		case <-deadline.C:
			b.t.Fatalf("waiting for %s: it did not come within %v; the page says\n%s\nfaults: %q", what, browserPatience,
				asks[string](b, `document.body.innerText.replaceAll("\n", " | ").slice(0, 900)`), b.unexpected())
		}
	}
}

// text returns what an element shows.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return asks[string](b, "document.querySelector("+quote(selector)+")?.innerText ?? ''")
}

func (b *tab) count(selector string) int {
	b.t.Helper()
	return asks[int](b, "[...document.querySelectorAll("+quote(selector)+")].filter(e => e.checkVisibility()).length")
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.await(selector, "document.querySelector("+quote(selector)+")?.checkVisibility()")
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// press waits for the element that an expression finds, and clicks it in the same breath: the list may draw its rows anew.
func (b *tab) press(what, expression string) {
	b.t.Helper()
	b.await(what, "(() => { const found = "+expression+"; found?.click(); return found })()")
}

// keys types into whatever has the focus.
func (b *tab) keys(text string, options ...chromedp.KeyOption) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(text, options...))
}

// clicks runs a statement in the page.
func clicks(statement string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](statement+"; undefined", chromedp.EvalIgnoreExceptions)
}

// types replaces the text of the filter box and sends it.
func (b *tab) types(filter string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`(b => { b.focus(); b.select(); })(document.querySelector("[data-testid=filter-box]"))`, chromedp.EvalIgnoreExceptions))
	if filter == "" {
		filter = kb.Backspace
	}
	b.keys(filter + kb.Enter)
}

// theme is light or dark, as the system says.
func (b *tab) theme(name string) {
	b.t.Helper()
	b.media("prefers-color-scheme", name)
}

// media sets one preference of the system, and leaves the others to their defaults.
func (b *tab) media(feature, value string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return err
	}))
}

// lists waits until the page shows every operation that the API has, each once, and returns their numbers.
func (b *tab) lists(r *running) (shown []uint64) {
	b.t.Helper()
	return b.listsOf(r, "")
}

// listsOf is lists under a query.
func (b *tab) listsOf(r *running, query string) (shown []uint64) {
	b.t.Helper()
	var want, got string
	r.await("the page to list exactly what the API has", func() bool {
		want = fmt.Sprint(seqs(r.operations(query)))
		shown = asks[[]uint64](b, app+`.then(({ store }) => [...store.operations.keys()].sort((a, b) => a - b))`)
		got = fmt.Sprint(shown)
		return want == got && want != "[]"
	})
	return shown
}

// app is the page's own main module.
const app = `import(document.querySelector("script[type=module]").src)`

func seqs(operations []operationRow) []uint64 {
	all := make([]uint64, 0, len(operations))
	for _, op := range operations {
		all = append(all, op.Seq)
	}
	slices.Sort(all)
	return all
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always can be
	return string(b)
}
