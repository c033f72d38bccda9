// SPDX-License-Identifier: MIT

package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/css"
	"github.com/tdewolff/minify/v2/js"
)

// Files holds index.html and plain.html, templates of html/template, and the folder assets, all as they are written.
//
//go:embed index.html plain.html assets
var Files embed.FS

// Page is the file that Served makes of assets/js/app.js and all that it imports.
const Page = "assets/page.js"

// Version is a hash of all files, for caches.
var Version = sync.OnceValue(func() string {
	sum := sha256.New()
	_ = fs.WalkDir(Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			content, _ := Files.ReadFile(name)
			sum.Write([]byte(name))
			sum.Write(content)
		}
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:12]
})

// Asset is a file as browsers get it. It is shared: nobody may change it.
type Asset struct{ Plain, Gzip []byte }

var assets sync.Map // name to func() (Asset, error)

// Served returns a file of the folder assets as browsers get it. Page, the widget and the style sheets are minified; the
// modules in assets/js are as they are written, for whoever reads them in a browser. Each file is made when it is first asked
// for, Page in 25 ms, and kept. An error means that there is no such file. Safe for concurrent use.
func Served(name string) (Asset, error) {
	if _, err := fs.Stat(Files, name); err != nil && name != Page {
		return Asset{}, err // not remembered: names are somebody else's
	}
	known, _ := assets.LoadOrStore(name, sync.OnceValues(func() (Asset, error) { return asset(name) }))
	return known.(func() (Asset, error))()
}

func asset(name string) (Asset, error) {
	content, err := lean(name)
	if err != nil {
		return Asset{}, fmt.Errorf("web: %s: %w", name, err)
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one
	_, _ = z.Write(content)                               // memory does not fail
	_ = z.Close()
	return Asset{Plain: content, Gzip: b.Bytes()}, nil
}

// lean returns a file without what only its readers need.
func lean(name string) ([]byte, error) {
	if name == Page {
		joined, err := join(Files, "assets/js/app.js")
		if err != nil {
			return nil, err
		}
		return minified(js.Minify, joined)
	}
	content, err := Files.ReadFile(name)
	switch {
	case err != nil:
		return nil, err
	case name == "assets/widget.js":
		return minified(js.Minify, content)
	case path.Ext(name) == ".css":
		return minified(css.Minify, content)
	}
	return content, nil
}

func minified(by minify.MinifierFunc, content []byte) ([]byte, error) {
	var out bytes.Buffer
	err := by(minify.New(), &out, bytes.NewReader(content), nil)
	return out.Bytes(), err
}
