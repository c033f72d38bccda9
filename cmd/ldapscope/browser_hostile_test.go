// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

// hostileForms are ways to have a text run as a program. HIT stands for the program.
var hostileForms = []string{
	`<script>HIT</script>`, `</script><script>HIT</script>`, `<img src=x onerror=HIT>`, `"><img src=x onerror="HIT">`, `'><svg onload='HIT'>`, `<svg/onload=HIT//`, `<iframe srcdoc="<script>parent.HIT</script>"></iframe>`,
	`javascript:HIT`, `JaVaScRiPt:HIT//`, `data:text/html,<script>HIT</script>`, `<a href="javascript:HIT" autofocus onfocus=HIT>x</a>`, `<details open ontoggle=HIT>`, `<body onload=HIT>`, `<input autofocus onfocus=HIT>`,
	`<math><mtext></mtext><style><img src=x onerror=HIT></style></math>`, `<template><script>HIT</script></template>`, `${HIT}`, `{{constructor.constructor('HIT')()}}`, `<style>@import 'javascript:HIT';</style>`, `<link rel=stylesheet href="javascript:HIT">`,
	`<object data="javascript:HIT"></object>`, `<base href="javascript:HIT//">`, `<form action="javascript:HIT"><button autofocus>x</button></form>`, "`-HIT-`", `\u003cimg src=x onerror=HIT\u003e`,
}

// hostilePayloads are 500 texts: each form, with each of twenty ways to get it past a filter. Their number stands in them.
func hostilePayloads() []string {
	wraps := []string{
		"%s", " %s", "%s ", "\t%s", "<!--%s", "-->%s", "]]>%s", "</title>%s", "</textarea>%s", "</style>%s", "\"%s", "'%s", "%s\x00", "\u202e%s", "<div>%s</div>", "&lt;%s&gt;", "%%3C%s", "<%s", "\ufeff%s", "x%sx",
	}
	var all []string
	for _, form := range hostileForms {
		for _, wrap := range wraps {
			hit := fmt.Sprintf("window.hit(%d)", len(all))
			all = append(all, fmt.Sprintf(wrap, strings.ReplaceAll(form, "HIT", hit)))
		}
	}
	return all
}

// hostileAnswer is a directory's answer with a payload in every place that it chooses.
func hostileAnswer(id int64, payload string) []byte {
	var e wire.Encoder
	e.Message(id, func(e *wire.Encoder) {
		e.Entry(payload, func(add func(string, [][]byte)) {
			add(payload, [][]byte{[]byte(payload)})
			add("description", [][]byte{[]byte(payload), []byte("ldap://" + payload)})
		})
	}, nil)
	e.Message(id, func(e *wire.Encoder) { e.Reference(payload, "ldap://x/"+payload) }, nil)
	e.Message(id, func(e *wire.Encoder) {
		e.Result(wire.SearchResultDone, wire.Reply{Code: 10, MatchedDN: payload, Diagnostic: payload, Referrals: []string{payload}})
	}, nil)
	return e.Bytes
}

// firstMessage is the number below that of a Client's first message.
const firstMessage = 1 << 29

// hostileSite is an application with a panel whose users, addresses, questions and directory are all hostile.
func hostileSite(t *testing.T) (address string, operations int) {
	t.Helper()
	payloads := hostilePayloads()
	directory := ldaptest.Start(t, ldaptest.Config{Fault: func(r ldaptest.Request) ldaptest.Action {
		if r.Op != wire.SearchRequest || r.Message > len(payloads) {
			return ldaptest.Action{}
		}
		return ldaptest.Action{Raw: hostileAnswer(firstMessage+int64(r.Message), payloads[r.Message-1])}
	}})
	scope := instrument.New()
	client, err := scope.Dial(t.Context(), directory.URL(), instrument.WithDomain(payloads[2]))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	for _, payload := range payloads {
		asks := scope.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			instrument.WithUser(r.Context(), payload)
			ctx, end := instrument.Step(r.Context(), payload)
			defer end()
			instrument.RecordDiff(ctx, instrument.Difference{Of: payload, How: instrument.DiffKind(payload), What: payload, Name: payload, From: &payload, To: &payload, Reason: payload})
			filter := "(cn=" + ldap.EscapeFilter(payload) + ")"
			_, _ = client.Search(ctx, ldap.NewSearchRequest(payload, 2, 0, 0, 0, false, filter, []string{"cn", payload}, nil)) // refused with a referral
		}))
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.URL.Path = "/" + payload
		asks.ServeHTTP(httptest.NewRecorder(), request)
	}
	p := panel.New(panel.Config{Scope: scope, Token: panelToken, Version: payloads[2]})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }() // ends with ctx; the test waits for it
	server := httptest.NewServer(p)
	t.Cleanup(func() { cancel(); <-done; server.Close() })
	return server.URL, len(payloads)
}

// hostileWalk shows operations in the drawer and HTTP requests with all their tabs, within one page: 500 loads would take
// minutes. It returns what was not shown.
const hostileWalk = `(async (from, to) => {
	const { store } = await ` + app + `;
	const show = (query) => { history.replaceState(null, "", query); dispatchEvent(new PopStateEvent("popstate")); };
	const until = async (has) => { for (let i = 0; i < 2000; i++) { if (has()) return true; await new Promise((r) => setTimeout(r, 5)); } return false; };
	const missing = [];
	for (let n = from; n < to; n++) {
		const op = store.sequence[n];
		const mark = "window.hit(" + n + ")";
		const drawer = document.querySelector("#drawer");
		show("?op=" + op.seq);
		if (!await until(() => drawer.innerText.includes("#" + op.seq) && drawer.innerText.split(mark).length > 8)) missing.push("drawer " + mark);
		for (const tab of drawer.querySelectorAll("[role=tab]")) tab.click();
		if (n %% 10) continue;
		for (const tab of ["Waterfall", "Operations", "Duplicates", "Advice", "Steps", "Call+sites"]) {
			show("?screen=request&id=" + op.request_id + "&tab=" + tab);
			if (!await until(() => document.querySelector("#request h1")?.innerText.includes(mark) && document.querySelector("#request [aria-selected=true]")?.dataset.tab === tab.replace("+", " "))) missing.push(tab + " " + mark);
		}
	}
	return missing;
})(%d, %d)`

// holds waits until the page has so many operations.
func (b *tab) holds(n int) {
	b.t.Helper()
	asks[bool](b, app+fmt.Sprintf(`.then(async ({ store }) => { while (store.operations.size !== %d) await new Promise((r) => setTimeout(r, 20)); return true; })`, n))
}

// TestBrowserHostile shows 500 hostile texts in every position of every screen, where none may run or become an element.
func TestBrowserHostile(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1440, 900)
	address, n := hostileSite(t)
	t.Cleanup(func() { b.visit("about:blank") })
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `window.hits = []; window.hit = n => { window.hits.push(n); console.error("a hostile text has run", n); };`,
		})
		return err
	}))
	b.visit(address + "/?t=" + panelToken)
	b.holds(n)
	clean := func(where string) {
		t.Helper()
		if hits := asks[[]int](b, "window.hits"); len(hits) > 0 {
			t.Errorf("%s: hostile texts %v have run", where, hits)
		}
		if made := asks[[]string](b, `[...document.querySelectorAll("main :is(script, img, iframe, object, embed, style, link, base, template, math, body, input[onfocus]), main :is([onload], [onerror], [onfocus], [ontoggle]), a[href^='javascript' i], a[href^='data' i], form[action]")].map(e => e.outerHTML.slice(0, 80))`); len(made) > 0 {
			t.Errorf("%s: hostile texts became elements: %q", where, made)
		}
	}
	for _, screen := range []string{"", "?group=flat&cols=when,kind,domain,conn,notes,n,code,size,first,time", "?group=shape", "?group=conn", "?screen=requests", "?screen=advice", "?screen=domains", "?plain=1"} {
		b.visit(address + "/" + screen)
		b.await("hostile texts on the screen "+screen, `document.body.innerText.includes("window.hit(")`)
		clean("screen " + screen)
	}
	b.visit(address + "/")
	b.holds(n)
	const atOnce = 25
	var missing []string
	for from := 0; from < n; from += atOnce {
		missing = append(missing, asks[[]string](b, fmt.Sprintf(hostileWalk, from, from+atOnce))...)
	}
	if len(missing) > 0 {
		t.Errorf("%d hostile texts are not shown at all, such as %q", len(missing), missing[:min(3, len(missing))])
	}
	clean("drawer and HTTP requests")
}
