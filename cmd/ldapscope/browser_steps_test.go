// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
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
	return serves(t, p) + "&screen=request&tab=Steps&id=" + instrument.RequestID(job)
}

// serves runs a panel until the test ends and returns its address with its token.
func serves(t *testing.T, p *panel.Panel) string {
	t.Helper()
	return servesIn(t, p, p) + "/?t=" + panelToken
}

// servesIn runs a panel and a site that it is part of until the test ends, and returns the address of the site.
func servesIn(t *testing.T, p *panel.Panel, site http.Handler) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }() // ends with ctx; the test waits for it
	server := httptest.NewServer(site)
	t.Cleanup(func() { cancel(); <-done; server.Close() })
	return server.URL
}

// TestBrowserSteps shows what a sync changed, account by account, in colours that say what became of it, and writes pictures
// of it into .task/shots.
func TestBrowserSteps(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1280, 800)
	address := siteWithSteps(t)
	t.Cleanup(func() { b.visit("about:blank") }) // before the panel ends, whose page would complain
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
		b.shot(filepath.Join(shotsFolder(t), "diff-"+theme+".png"))
	}
}

// someone is a local user whose name changed in the directory.
type someone struct{}

func (someone) Users(context.Context, string, int) ([]panel.LocalUser, error) {
	return []panel.LocalUser{{ID: "1", Name: "ada", Domain: "EXAMPLE"}, {ID: "2", Name: "grace", Domain: "EXAMPLE"}}, nil
}

func (someone) Plan(_ context.Context, id string) (ldapmgr.Plan, error) {
	if id == "2" {
		return ldapmgr.Plan{Name: "grace"}, nil
	}
	from, to := "Byron", "Lovelace"
	return ldapmgr.Plan{Name: "ada", Moved: true, DN: "cn=Ada,dc=example", Fields: []ldapmgr.FieldChange{{Name: "last_name", From: &from, To: &to}}, Join: []string{"Analysts"},
		Held: []ldapmgr.Held{{What: "group Engineers", Reason: "too many"}}}, nil
}

func (s someone) Sync(ctx context.Context, id string) (ldapmgr.Plan, error) { return s.Plan(ctx, id) }

// TestBrowserUsers plans and applies a sync: what changes is shown as in the steps of an HTTP request.
func TestBrowserUsers(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1280, 800)
	address := serves(t, panel.New(panel.Config{Scope: instrument.New(), Users: someone{}, Token: panelToken}))
	t.Cleanup(func() { b.visit("about:blank") }) // before the panel ends, whose page would complain
	b.visit(address + "&screen=users")
	text := `document.querySelector("[data-testid=users]")?.innerText.replace(/\s+/g, " ")`
	press := func(user, button string) {
		t.Helper()
		b.press(button+" of "+user, `[...document.querySelectorAll("[data-testid=users] tbody > tr")].find(r => r.innerText.includes("`+user+`"))?.querySelectorAll("button")[`+button+`]`)
	}
	press("ada", "0")
	b.await("the plan", text+`?.includes("Would change:")`)
	for _, part := range []string{"~ changed account moved cn=Ada,dc=example", "~ changed field last_name Byron → Lovelace", "+ added group Analysts", "! held back group Engineers too many"} {
		if shown := asks[string](b, text); !strings.Contains(shown, part) {
			t.Errorf("no %q in %s", part, shown)
		}
	}
	b.shot(filepath.Join(shotsFolder(t), "plan.png"))
	press("ada", "1")
	b.await("what was changed", text+`?.includes("Changed:")`)
	b.await("when", fmt.Sprintf(`[...document.querySelectorAll("[data-testid=users] tbody > tr")].find(r => r.innerText.includes("ada")).cells[2].innerText.includes("%d")`, time.Now().Year()))
	press("grace", "0")
	b.await("nothing", text+`?.includes("Nothing changes.")`)
}
