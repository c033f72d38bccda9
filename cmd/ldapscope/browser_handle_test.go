// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/panel"
)

// asksTwice binds and asks a directory three questions, of which one is a repeat.
func asksTwice(ctx context.Context, scope *instrument.Scope, server *ldaptest.Server) error {
	conn, err := scope.Dial(ctx, server.URL())
	if err != nil {
		return err
	}
	err = conn.Bind(ctx, ldaptest.CompanyService, ldaptest.CompanyServicePassword)
	for _, filter := range []string{"(uid=ada)", "(uid=ada)", "(uid=*a*)"} {
		if err == nil {
			_, err = conn.Search(ctx, ldap.NewSearchRequest(ldaptest.DefaultSuffix, ldap.ScopeWholeSubtree, 0, 0, 0, false, filter, nil, nil))
		}
	}
	return errors.Join(err, conn.Close(ctx))
}

// siteThatGoesOn has a page whose HTTP request goes on asking when the page is whole, as one that saves a session at last: as soon as it may.
func siteThatGoesOn(t *testing.T, mayGoOn <-chan struct{}) (address string) {
	t.Helper()
	const html = `<!doctype html><link rel="icon" href="data:,"><body>A page</body>`
	server := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(5))})
	scope := instrument.New()
	p := panel.New(panel.Config{Scope: scope, Token: panelToken})
	page := p.Widget("/debug/ldap", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", strconv.Itoa(len(html)))
		w.Header().Set("Connection", "close") // or the browser asks for the script of the handle where nobody reads yet
		_, _ = io.WriteString(w, html)        // the browser has gone if this fails
	}))
	mux := http.NewServeMux()
	mux.Handle("/debug/ldap/", http.StripPrefix("/debug/ldap", p))
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithoutCancel(r.Context()) // the browser has its page, and leaves
		before := asksTwice(ctx, scope, server)
		page.ServeHTTP(w, r)
		flushed := http.NewResponseController(w).Flush()
		<-mayGoOn
		if err := errors.Join(before, flushed, asksTwice(ctx, scope, server)); err != nil {
			t.Error(err)
		}
	})
	return servesIn(t, p, scope.Middleware(mux))
}

// TestBrowserHandleAgrees: the numbers of the handle leave with the page, before its HTTP request ends. Once it is opened, its line counts what
// came after, and says as much as is listed; while the request runs, both follow it.
func TestBrowserHandleAgrees(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 800, 600)
	mayGoOn := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(mayGoOn) })
	site := siteThatGoesOn(t, mayGoOn)
	t.Cleanup(goOn)
	b.visit(site + "/debug/ldap/?t=" + panelToken)
	b.visit(site + "/page")
	root := `document.querySelector("ldapscope-handle")?.shadowRoot`
	line := root + `?.lastElementChild.innerText`
	listed := root + `?.querySelectorAll("li[class]").length`
	agrees := func(when string) {
		t.Helper()
		said := asks[[]string](b, `[`+line+`, `+root+`.querySelector("[role=region] p").firstChild.textContent].map(text => ["op", "repeat", "alike", "advice"].map(noun => text.match("(\\d+) " + noun)?.[1]).join(" "))`)
		if n := asks[int](b, listed); said[0] != said[1] || !strings.HasSuffix(said[0], fmt.Sprint(" ", n)) {
			t.Errorf("%s: the line says %q, what is opened %q, and it lists %d pieces of advice", when, said[0], said[1], n)
		}
	}
	open := func() {
		b.await("the handle", line+`?.startsWith("5 ops · ")`)
		b.do(clicks(root + `.lastElementChild.click()`))
		b.await("what is listed", listed)
	}
	open()
	agrees("while the request runs")
	goOn()
	b.await("the line to follow the request", line+`.startsWith("10 ops · ")`)
	agrees("when it has ended")
	asks[bool](b, `(localStorage.clear(), true)`)
	b.visit(site + "/page")
	open()
	agrees("opened after its end")
	b.do(chromedp.EmulateViewport(320, 640))
	if left := asks[float64](b, root+`.querySelector("[role=region]").getBoundingClientRect().left`); left < 0 {
		t.Errorf("in a narrow window what is opened begins at %v", left)
	}
}
