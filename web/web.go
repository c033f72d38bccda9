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
)

//go:generate go test -run TestBuilt -update .

// Files holds index.html and plain.html, templates of html/template, the folder assets, as it is written, and the folder
// built, which go generate makes of it.
//
//go:embed index.html plain.html assets built
var Files embed.FS

// Page is the file of assets/js/app.js with all that it imports.
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

var assets sync.Map // name to func() Asset

// Served returns a file of the folder assets as browsers get it: Page, the widget and the style sheets as they were built,
// everything else as it is written. It is compressed when it is first asked for, and kept. An error means that there is no
// such file. Safe for concurrent use.
func Served(name string) (Asset, error) {
	content, err := Files.ReadFile(path.Join("built", path.Base(name)))
	if err != nil || path.Dir(name) != "assets" {
		if content, err = Files.ReadFile(name); err != nil {
			return Asset{}, fmt.Errorf("web: %w", err) // not remembered: names are somebody else's
		}
	}
	known, _ := assets.LoadOrStore(name, sync.OnceValue(func() Asset { return Asset{content, compressed(content)} }))
	return known.(func() Asset)(), nil
}

func compressed(content []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one
	_, _ = z.Write(content)                               // memory does not fail
	_ = z.Close()
	return b.Bytes()
}
