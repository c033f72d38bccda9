// SPDX-License-Identifier: MIT

package panel_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/panel"
)

// The bounds of what a browser gets to show the page, and of what the handle adds to an application's pages.
const (
	scriptBytes = 120_000
	styleBytes  = 30_000
	packedBytes = 45_000
	widgetBytes = 6_000
)

// asked is an answer to a browser, whose body counts packed and unpacked.
type asked struct {
	*httptest.ResponseRecorder
	packed, plain int
}

func asBrowser(t *testing.T, handler http.Handler, path string, header ...string) asked {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Host, request.RemoteAddr = "127.0.0.1:8389", "127.0.0.1:5555"
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept-Encoding", "gzip, deflate")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	a := asked{ResponseRecorder: httptest.NewRecorder()}
	handler.ServeHTTP(a, request)
	a.packed = a.Body.Len()
	a.plain = a.packed
	if a.Header().Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(strings.NewReader(a.Body.String()))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, z)
		if err != nil {
			t.Fatal(err)
		}
		a.plain = int(n)
	}
	return a
}

var linked = regexp.MustCompile(`(?:src|href)="(assets/[^"#]+)`)

// TestPageBytes opens the page as a browser does, and weighs all that comes over the wire.
func TestPageBytes(t *testing.T) {
	t.Parallel()
	p := panel.New(panel.Config{Scope: instrument.New(), Token: token})
	page := asBrowser(t, p, "/")
	seen := map[string]bool{}
	kinds := map[string]int{}
	packed := 0
	for _, m := range linked.FindAllStringSubmatch(page.Body.String(), -1) {
		if seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		file := asBrowser(t, p, "/"+m[1])
		if file.Code != http.StatusOK {
			t.Errorf("%s: %d", m[1], file.Code)
		}
		kind, _, _ := strings.Cut(file.Header().Get("Content-Type"), ";")
		kinds[kind] += file.plain
		packed += file.packed
	}
	script, style, widget := kinds["text/javascript"], kinds["text/css"], asBrowser(t, p, "/assets/widget.js").plain
	t.Logf("scripts %d of %d, style %d of %d, with icons compressed %d of %d; handle %d of %d", script, scriptBytes, style, styleBytes, packed, packedBytes, widget, widgetBytes)
	if script == 0 || style == 0 || widget == 0 {
		t.Fatalf("of %v something is missing", seen)
	}
	if script > scriptBytes || style > styleBytes || packed > packedBytes || widget > widgetBytes {
		t.Error("that is too much")
	}
}

func TestAssetsAreKept(t *testing.T) {
	t.Parallel()
	p := panel.New(panel.Config{Scope: instrument.New(), Token: token})
	script := regexp.MustCompile(`<script type="module" src="([^"]+)"`).FindStringSubmatch(asBrowser(t, p, "/").Body.String())[1]
	tests := []struct {
		name, path, header, value string
		keeps, encoding           string
	}{
		{"with the hash", "/" + script, "", "", "private, max-age=31536000, immutable", "gzip"},
		{"with another hash", "/assets/page.js?v=0", "", "", "no-cache", "gzip"},
		{"uncompressed", "/" + script, "Accept-Encoding", "identity", "private, max-age=31536000, immutable", ""},
		{"module as it is written", "/assets/js/dom.js", "", "", "no-cache", "gzip"},
		{"icons", "/assets/icons.svg", "", "", "no-cache", "gzip"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := asBrowser(t, p, tt.path, tt.header, tt.value)
			h := got.Header()
			if got.Code != http.StatusOK || h.Get("Cache-Control") != tt.keeps || h.Get("Content-Encoding") != tt.encoding || h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%d %v", got.Code, h)
			}
			again := asBrowser(t, p, tt.path, "If-None-Match", h.Get("ETag"))
			if again.Code != http.StatusNotModified || again.packed != 0 || again.Header().Get("ETag") != h.Get("ETag") {
				t.Errorf("asked again: %d with %d bytes", again.Code, again.packed)
			}
		})
	}
}
