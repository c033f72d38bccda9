// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestBrowserSlapd looks at a real slapd through serve: the main screens show what the API says of it, in both themes. What the page
// says on its console fails the test, as everywhere.
func TestBrowserSlapd(t *testing.T) {
	t.Parallel()
	b := opensBrowser(t, 1440, 900)
	r, _ := slapdProgram(t)
	t.Cleanup(func() { b.visit("about:blank") })
	r.await("both domains", func() bool {
		all, _ := r.domains()
		return all["EXAMPLE"].State == "up" && all["SECURE"].State == "up"
	})
	b.visit(r.panel + "/?t=" + panelToken)
	b.await("the connection", `document.querySelector("[data-testid=conn-state]").dataset.state === "live"`)
	r.submit("/login", "username", "grace", "password", "of grace")
	r.submit("/login", "username", "grace", "password", "of somebody else")
	r.visit("/people?q=grace")
	b.lists(r)
	people, ops := r.last("/people")
	search := filtered("*grace*", ops)[0]
	login, _ := r.last("/login")
	tests := []struct {
		name, address string
		shows         []string
	}{
		{"live", "", []string{"GET /people", "POST /login", "invalidCredentials", "(cn=*grace*)"}},
		{"drawer", fmt.Sprint("?op=", search.Seq), []string{"contains “grace”", "Grace Hopper", "success", "dc=example,dc=org", "Copy as"}},
		{"request", "?screen=request&id=" + people.ID, []string{"GET /people", "200", "until the first answer"}},
		{"steps", "?screen=request&tab=Steps&id=" + login.ID, []string{"login.find", "login.bind"}},
		{"domains", "?screen=domains", []string{"EXAMPLE", "SECURE", "OpenLDAP", "StartTLS", "clear text", slapdService}},
	}
	folder := shotsFolder(t)
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		for _, tt := range tests {
			b.screen(r, tt.address)
			for _, part := range tt.shows {
				b.await(tt.name+" to show "+part, `document.querySelector("main").innerText.includes(`+quote(part)+`)`)
			}
			b.shot(filepath.Join(folder, "slapd-"+tt.name+"-"+theme+".png"))
		}
	}
	if text := b.text("main"); strings.Contains(text, "of the service") || strings.Contains(text, "of grace") {
		t.Errorf("the page shows a password:\n%s", text)
	}
	b.visit(r.panel + "/?screen=request&id=" + people.ID)
	b.await("the waterfall", `document.querySelector("[data-testid=waterfall] [data-testid=fall-row]")`)
	if bars := b.count("[data-testid=waterfall] [data-testid=fall-row]"); bars != len(ops) {
		t.Errorf("the waterfall has %d bars for %d operations", bars, len(ops))
	}
}
