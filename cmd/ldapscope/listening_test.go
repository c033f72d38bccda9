// SPDX-License-Identifier: MIT

package main_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestListeningEverywhere: links can be opened from this machine, and what other machines can reach is told.
func TestListeningEverywhere(t *testing.T) {
	t.Parallel()
	config := serveConfig(t, companyServer(t, ldaptest.Config{}).URL())
	panel, app := "the panel listens on %s, which other machines can reach; it answers loopback addresses alone", "the app listens on %s, which other machines can reach"
	directory := "the directory listens on %s, which other machines can reach; its passwords are public"
	for _, test := range []struct {
		args  []string
		warns []string
	}{
		{[]string{"demo", "--quiet", "--listen", "0.0.0.0:0", "--app-listen", ":0", "--directory-listen", "[::]:0"}, []string{directory, panel, app}},
		{[]string{"serve", "--config", config, "--listen", ":0", "--app", "0.0.0.0:0"}, []string{panel, app}},
		{[]string{"serve", "--config", config, "--listen", "127.0.0.1:0", "--app", "localhost:0"}, nil},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			r := startHere(t, nil, nil, test.args...)
			if status, _ := r.visit("/login"); status != 200 {
				t.Errorf("the login page of the app: %d", status)
			}
			if status, page := r.body("/"); status != 200 || !strings.Contains(page, "<html") {
				t.Errorf("the panel: %d %.200s", status, page)
			}
			if code := r.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if links := regexp.MustCompile(`//[^/ \n]+`).FindAllString(r.stdout.String(), -1); len(links) < 2 || strings.Contains(strings.Join(links, " "), "::]") {
				t.Errorf("the links are %q", links)
			}
			for _, warning := range test.warns {
				pattern := "(?m)^ldapscope: " + fmt.Sprintf(regexp.QuoteMeta(warning), `(\[::\]|0\.0\.0\.0):\d+`) + "$"
				if !regexp.MustCompile(pattern).MatchString(r.stderr.String()) {
					t.Errorf("no %s in\n%s", pattern, r.stderr)
				}
			}
			if got := strings.Count(r.stderr.String(), "other machines"); got != len(test.warns) {
				t.Errorf("%d warnings, want %d:\n%s", got, len(test.warns), r.stderr)
			}
		})
	}
}
