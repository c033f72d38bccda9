// SPDX-License-Identifier: MIT

package web_test

import (
	"bytes"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/web"
)

func read(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(web.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(web.Files, name)
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rule finds what may not stand in a file of one kind.
type rule struct {
	name    string
	ends    []string
	pattern *regexp.Regexp
}

var rules = []rule{
	{"an address of another origin", []string{".html", ".js", ".css"}, regexp.MustCompile(`(?i)(?:https?:|wss?:|["'\x60(])//[a-z0-9.-]+\.[a-z]{2,}`)},
	{"text read as markup", []string{".js"}, regexp.MustCompile(`\b(innerHTML|outerHTML|insertAdjacentHTML|srcdoc|document\.write|createContextualFragment|setHTMLUnsafe|DOMParser)\b`)},
	{"text read as code", []string{".js"}, regexp.MustCompile(`\beval\s*\(|new Function\b|javascript:|set(?:Timeout|Interval)\s*\(\s*["'\x60]`)},
	{"a handler in an attribute", []string{".html"}, regexp.MustCompile(`(?i)<[^>]*\son[a-z]+\s*=`)},
	{"style in an attribute", []string{".html"}, regexp.MustCompile(`(?i)<[^>]*\sstyle\s*=`)},
	{"style in an attribute", []string{".js"}, regexp.MustCompile(`setAttribute\(\s*["']style|\bstyle:|cssText`)},
	{"script between tags", []string{".html"}, regexp.MustCompile(`(?i)<script[^>]*>\s*[^<\s]`)},
	{"a style element", []string{".html", ".js"}, regexp.MustCompile(`(?i)<style|createElement\(["']style`)},
	{"an import in a style sheet", []string{".css"}, regexp.MustCompile(`@import|url\(`)},
}

// broken returns the names of the rules that a file breaks.
func broken(name, content string) (names []string) {
	for _, r := range rules {
		if slices.Contains(r.ends, path.Ext(name)) && r.pattern.MatchString(content) {
			names = append(names, r.name)
		}
	}
	return names
}

// namespaces are addresses that are names and are never opened.
var namespaces = strings.NewReplacer("http://www.w3.org/2000/svg", "")

func TestPolicy(t *testing.T) {
	t.Parallel()
	for name, content := range read(t) {
		for _, b := range broken(name, namespaces.Replace(content)) {
			t.Errorf("%s holds %s", name, b)
		}
		if path.Ext(name) == ".js" && !strings.HasPrefix(content, "// SPDX-License-Identifier: MIT\n") {
			t.Errorf("%s does not begin with its licence", name)
		}
	}
}

func TestPolicyFindsViolations(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, content, want string }{
		{"foreign script", "index.html", `<script src="https://cdn.example.org/x.js"></script>`, "an address of another origin"},
		{"foreign address without a scheme", "x.js", `fetch("//evil.example.org/x")`, "an address of another origin"},
		{"innerHTML", "x.js", `el.innerHTML = dn`, "text read as markup"},
		{"eval", "x.js", `eval (text)`, "text read as code"},
		{"timer with text", "x.js", `setTimeout("go()", 1)`, "text read as code"},
		{"inline handler", "index.html", `<button onclick="x()">`, "a handler in an attribute"},
		{"inline style", "index.html", `<p style="color: red">`, "style in an attribute"},
		{"style attribute by script", "x.js", `h("p", { style: "color: red" })`, "style in an attribute"},
		{"inline script", "index.html", `<script>x()</script>`, "script between tags"},
		{"style element", "index.html", `<style>p{}</style>`, "a style element"},
		{"css import", "x.css", `@import "y.css";`, "an import in a style sheet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := broken(tt.file, tt.content); !slices.Contains(got, tt.want) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

var (
	imports  = regexp.MustCompile(`(?:from|import)\s*\(?\s*"(\.{1,2}/[^"]+)"`)
	linked   = regexp.MustCompile(`(?:href|src)="(assets/[^"?#{]+)`)
	script   = `src="{{.Script}}"` // is made of assets/js/app.js, or is that file
	named    = regexp.MustCompile(`"(assets/[^"?#$]+)`)
	typeOnly = regexp.MustCompile(`import\("[^"]+"\)\.`)
)

// references lists the files that a file loads.
func references(name, content string) (found []string) {
	switch path.Ext(name) {
	case ".js":
		for _, m := range imports.FindAllStringSubmatch(typeOnly.ReplaceAllString(content, ""), -1) {
			found = append(found, path.Join(path.Dir(name), m[1]))
		}
		if strings.Contains(content, "assets/icons.svg") {
			found = append(found, "assets/icons.svg")
		}
		for _, m := range named.FindAllStringSubmatch(content, -1) {
			found = append(found, m[1])
		}
	case ".html":
		for _, m := range linked.FindAllStringSubmatch(content, -1) {
			found = append(found, m[1])
		}
		if strings.Contains(content, script) {
			found = append(found, "assets/js/app.js")
		}
	}
	return found
}

// TestReferences holds every import to a file, and every file to somebody who loads it.
func TestReferences(t *testing.T) {
	t.Parallel()
	files := read(t)
	loaded := map[string]bool{"index.html": true, "plain.html": true, "assets/widget.js": true} // the widget is put into pages by package panel
	for todo := []string{"index.html", "plain.html"}; len(todo) > 0; todo = todo[1:] {
		for _, name := range references(todo[0], files[todo[0]]) {
			if _, ok := files[name]; !ok {
				t.Errorf("%s loads %s, which is not there", todo[0], name)
			}
			if !loaded[name] {
				loaded[name] = true
				todo = append(todo, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !loaded[name] && path.Dir(name) != "built" { // see TestBuilt
			t.Errorf("nobody loads %s", name)
		}
	}
}

// TestIcons holds every icon that a script asks for to the sprite, and the sprite to its users.
func TestIcons(t *testing.T) {
	t.Parallel()
	files := read(t)
	var everything bytes.Buffer
	for name, content := range files {
		if name != "assets/icons.svg" {
			everything.WriteString(content)
		}
	}
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`<symbol id="([a-z]+)"`).FindAllStringSubmatch(files["assets/icons.svg"], -1) {
		known[m[1]] = true
		if !strings.Contains(everything.String(), `"`+m[1]+`"`) && !strings.Contains(everything.String(), "#"+m[1]+`"`) {
			t.Errorf("nobody shows the icon %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`icon\("([a-z]+)"`).FindAllStringSubmatch(everything.String(), -1) {
		if !known[m[1]] {
			t.Errorf("there is no icon %s", m[1])
		}
	}
}

// TestSources holds every script to a length that one reads in a sitting.
func TestSources(t *testing.T) {
	t.Parallel()
	for name, content := range read(t) {
		if lines := strings.Count(content, "\n"); path.Ext(name) == ".js" && lines > 300 {
			t.Errorf("%s has %d lines, 300 are allowed", name, lines)
		}
	}
}
