// SPDX-License-Identifier: MIT

package web_test

import (
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/ldapscope/ldapscope/web"
)

var update = flag.Bool("update", false, "write the folder built anew")

const licence = "// SPDX-License-Identifier: MIT"

// TestBuilt holds the folder built to what esbuild makes of the files as they are written: one script of all modules, which
// saves a browser thirty questions and compresses to two thirds, and nothing in it that only readers need.
func TestBuilt(t *testing.T) {
	t.Parallel()
	want := map[string]string{"page.js": bundle(t, "assets/js/app.js")}
	for _, name := range []string{"widget.js", "app.css", "plain.css"} {
		want[name] = lean(t, "assets/"+name)
	}
	for name, content := range want {
		if *update {
			if err := os.WriteFile(filepath.Join("built", name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := fs.ReadFile(web.Files, "built/"+name); err != nil || string(got) != content {
			t.Errorf("built/%s is not what its sources make (%v): run go generate ./web", name, err)
		}
	}
	if files, _ := fs.ReadDir(web.Files, "built"); len(files) != len(want) && !*update {
		t.Errorf("built holds %d files, want %d", len(files), len(want))
	}
}

// bundle joins a module with all that it imports.
func bundle(t *testing.T, name string) string {
	t.Helper()
	files := api.Plugin{Name: "files", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			return api.OnResolveResult{Path: path.Join(path.Dir(a.Importer), a.Path), Namespace: "web"}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "web"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			content, err := fs.ReadFile(web.Files, a.Path)
			text := string(content)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, err
		})
	}}
	r := api.Build(api.BuildOptions{
		EntryPoints: []string{name}, Bundle: true, Format: api.FormatESModule, Plugins: []api.Plugin{files},
		Banner: map[string]string{"js": licence},
		Target: api.ESNext, Charset: api.CharsetUTF8, MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true,
	})
	whole(t, r.Errors, r.Warnings)
	return string(r.OutputFiles[0].Contents)
}

// lean leaves out of a file what only readers need. The rules of a style sheet stay as they are.
func lean(t *testing.T, name string) string {
	t.Helper()
	content, err := fs.ReadFile(web.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	script, loader, banner := true, api.LoaderJS, licence
	if path.Ext(name) == ".css" {
		script, loader, banner = false, api.LoaderCSS, ""
	}
	r := api.Transform(string(content), api.TransformOptions{
		Loader: loader, Banner: banner, Target: api.ESNext, Charset: api.CharsetUTF8, MinifyWhitespace: true, MinifySyntax: script, MinifyIdentifiers: script,
	})
	whole(t, r.Errors, r.Warnings)
	return string(r.Code)
}

func whole(t *testing.T, problems ...[]api.Message) {
	t.Helper()
	for _, messages := range problems {
		for _, m := range messages {
			t.Fatalf("%+v: %s", m.Location, m.Text)
		}
	}
}
