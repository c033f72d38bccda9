// SPDX-License-Identifier: MIT

package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
	"regexp"
)

//go:embed index.html plain.html assets
var embedded embed.FS

// Files holds index.html and plain.html, templates of html/template, and the folder assets. Read it with fs.ReadFile: the comments and the
// indentation of scripts and style, a quarter of their bytes, are for the reader of the source; lines of comments come empty.
var Files fs.ReadFileFS = lean{embedded}

// lean leaves comments and indentation out.
type lean struct{ embed.FS }

// ReadFile returns a file as a browser gets it. Lines keep their numbers.
func (l lean) ReadFile(name string) ([]byte, error) {
	content, err := l.FS.ReadFile(name)
	if err != nil || path.Ext(name) != ".js" && path.Ext(name) != ".css" {
		return content, err
	}
	content = leaned(content)
	if path.Ext(name) == ".css" {
		content = bytes.ReplaceAll(blanks.ReplaceAll(content, []byte("$1")), []byte(": "), []byte(":"))
	}
	return content, nil
}

// blanks are those of a style sheet that only people need. It holds no text but names of fonts.
var blanks = regexp.MustCompile(` ?([{};,]) ?`)

// typed finds what stands beside an expression for the type check alone.
var typed = regexp.MustCompile(`/\*\* @type [^*]*\*/ ?`)

// leaned takes the indentation and types off every line and empties those that hold nothing but a comment, except the first, which is
// the licence. No text in our scripts has a line that begins with blanks or like a comment, which a test holds them to.
func leaned(content []byte) []byte {
	lines := bytes.Split(content, []byte{'\n'})
	inside := false
	for i, line := range lines {
		text := bytes.TrimSpace(line)
		begins := bytes.HasPrefix(text, []byte("/*"))
		ends := bytes.HasSuffix(text, []byte("*/"))
		switch {
		case inside, begins && (ends && bytes.Count(text, []byte("*/")) == 1 || !bytes.Contains(text, []byte("*/"))):
			inside = !ends
		case !bytes.HasPrefix(text, []byte("//")):
			lines[i] = typed.ReplaceAll(bytes.TrimLeft(line, " "), nil)
			continue
		}
		if i > 0 {
			lines[i] = nil
		}
	}
	return bytes.Join(lines, []byte{'\n'})
}

// Version is a hash of all files, for caches.
var Version = func() string {
	sum := sha256.New()
	_ = fs.WalkDir(embedded, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			content, _ := Files.ReadFile(name)
			sum.Write([]byte(name))
			sum.Write(content)
		}
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:12]
}()
