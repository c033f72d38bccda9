// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// siteWithSteps is a panel with one job whose sync changed something of every kind, and something that is kept at no level.
func siteWithSteps(t *testing.T) (address string) {
	t.Helper()
	scope := instrument.New()
	p := panel.New(panel.Config{Scope: scope, Token: panelToken})
	text := func(s string) *string { return &s }
	job, endJob := scope.Job(t.Context(), "sync EXAMPLE")
	_, end := instrument.Step(job, "sync.user")
	end()
	step, end := instrument.Step(job, "sync.save")
	instrument.RecordDiff(step,
		instrument.Difference{Of: "ada", How: instrument.DiffChanged, What: "field", Name: "last_name", From: text("Byron"), To: text("Lovelace")},
		instrument.Difference{Of: "ada", How: instrument.DiffChanged, What: "field", Name: "pin", From: text("secret-1"), To: text("secret-2"), Secret: true},
		instrument.Difference{Of: "ada", How: instrument.DiffAdded, What: "flag", Name: "staff"},
		instrument.Difference{Of: "ada", How: instrument.DiffAdded, What: "group", To: text("Analysts")},
		instrument.Difference{Of: "ada", How: instrument.DiffRemoved, What: "group", From: text("Trainees")},
		instrument.Difference{Of: "charles", How: instrument.DiffRemoved, What: "account", Name: "deactivated"},
		instrument.Difference{Of: "mary", How: instrument.DiffHeld, What: "group", From: text("Engineers"), Reason: "the service account sees no group with members at all"},
	)
	end()
	endJob()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }() // ends with ctx; the test waits for it
	server := httptest.NewServer(p)
	t.Cleanup(func() { cancel(); <-done; server.Close() })
	return server.URL + "/?t=" + panelToken + "&screen=request&tab=Steps&id=" + instrument.RequestID(job)
}

// TestBrowserSteps shows what a sync changed, account by account, in colours that say what became of it, and writes pictures
// of it into .task/shots.
func TestBrowserSteps(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1280, 800)
	address := siteWithSteps(t)
	t.Cleanup(func() { b.visit("about:blank") }) // before the panel ends, whose page would complain
	folder := filepath.Join(root(t), ".task", "shots")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		b.visit(address)
		b.await("the differences", `document.querySelectorAll(".diff").length === 3`)
		page := strings.Join(strings.Fields(b.text(".tabbody")), " ")
		for _, part := range []string{
			"ada ~ changed field last_name Byron → Lovelace", "~ changed field pin <hidden> → <hidden>", "+ added flag staff", "+ added group Analysts", "− removed group Trainees",
			"charles − removed account deactivated", "mary ! held back group Engineers the service account sees no group with members at all",
		} {
			if !strings.Contains(page, part) {
				t.Errorf("the steps lack %q: %s", part, page)
			}
		}
		if strings.Contains(page, "secret-") {
			t.Errorf("a secret: %s", page)
		}
		colours := asks[[]string](b, `["ins", "del"].map((tag) => getComputedStyle(document.querySelector(".diff " + tag)).color)`)
		if want := map[string]string{"light": "rgb(21, 107, 61) rgb(179, 32, 42)", "dark": "rgb(76, 195, 138) rgb(255, 133, 133)"}[theme]; strings.Join(colours, " ") != want {
			t.Errorf("old and new are %q in the %s theme, want %s", colours, theme, want)
		}
		b.shot(filepath.Join(folder, "diff-"+theme+".png"))
	}
}
