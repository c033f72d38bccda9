// SPDX-License-Identifier: MIT

package panel_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/panel"
)

// text asks the panel with the token and returns the answer as it is.
func (s *stage) text(t *testing.T, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := s.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(all)
}

// TestPlain reads the pages without JavaScript: the list, a request with its operations, and one that is not there.
func TestPlain(t *testing.T) {
	t.Parallel()
	s := newStage(t, panel.Config{})
	ctx, end := s.scope.Job(t.Context(), `<img src=x onerror="x()">`)
	for range 3 {
		s.search(t, ctx, "(sAMAccountName=ada)", "cn")
	}
	s.search(t, ctx, "(cn=<script>x</script>)", "cn")
	end()
	status, list := s.text(t, "/?plain=1")
	id := cut(list, `?plain=1&amp;id=`, `">`)
	if status != http.StatusOK || id == "" || strings.Contains(list, "<img") || strings.Contains(list, "<script") || !strings.Contains(list, "job &lt;img src=x") {
		t.Fatalf("%d %s", status, list)
	}
	status, page := s.text(t, "/?plain=1&id="+id)
	for _, want := range []string{"<td>search</td><td><code>(sAMAccountName=ada)</code></td>", "0 success", "(cn=&lt;script&gt;x&lt;/script&gt;)", "<h2>Advice</h2>", "<td>4</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if status != http.StatusOK || strings.Contains(page, "<script") {
		t.Errorf("%d %s", status, page)
	}
	if status, gone := s.text(t, "/?plain=1&id=nope"); status != http.StatusNotFound || !strings.Contains(gone, "evicted") {
		t.Errorf("a request that is not there: %d %s", status, gone)
	}
}

// cut returns what stands between two texts, "" when they do not occur.
func cut(s, before, after string) string {
	_, rest, _ := strings.Cut(s, before)
	found, _, ok := strings.Cut(rest, after)
	if !ok {
		return ""
	}
	return found
}
