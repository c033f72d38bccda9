// SPDX-License-Identifier: MIT

package web_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"testing"

	"github.com/ldapscope/ldapscope/web"
)

// TestServed holds every file to be what it was when it comes compressed, and not to grow on its way.
func TestServed(t *testing.T) {
	t.Parallel()
	page := served(t, web.Page)
	t.Logf("%d bytes of scripts for the page, %d compressed", len(page.Plain), len(page.Gzip))
	for name, source := range read(t) {
		file := served(t, name)
		lean := name == "assets/widget.js" || path.Dir(name) == "assets" && path.Ext(name) == ".css"
		switch {
		case !lean && string(file.Plain) != source:
			t.Errorf("%s is not served as it is written", name)
		case lean && (len(file.Plain) == 0 || len(file.Plain) > len(source)*9/10):
			t.Errorf("%s has %d bytes and is served with %d", name, len(source), len(file.Plain))
		}
		z, err := gzip.NewReader(bytes.NewReader(file.Gzip))
		if err != nil {
			t.Fatal(err)
		}
		if unpacked, err := io.ReadAll(z); err != nil || !bytes.Equal(unpacked, file.Plain) {
			t.Errorf("%s is another file when it is unpacked: %v", name, err)
		}
	}
}

func served(t *testing.T, name string) web.Asset {
	t.Helper()
	file, err := web.Served(name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestServedAbsent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"assets/absent.js", "assets/../web.go", "", "../page.js"} {
		if _, err := web.Served(name); err == nil {
			t.Errorf("%q is served", name)
		}
	}
	if _, err := web.Served("assets/absent.css"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v, want one that says so", err)
	}
}
