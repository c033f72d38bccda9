// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// listed reads the names of testdata/acceptance/parity.txt.
func listed(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "acceptance", "parity.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, claim, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok && !strings.HasPrefix(line, "#") {
			if claim == "" {
				t.Errorf("%s claims nothing", name)
			}
			names = append(names, name)
		}
	}
	return names
}

// TestAcceptanceIsComplete fails when the list and the sub-tests part: a line without a row, a row without a line, a row that
// runs nothing, or one that names a test or a setting that is not there.
func TestAcceptanceIsComplete(t *testing.T) {
	t.Parallel()
	list := listed(t)
	if n := len(list); n < 250 {
		t.Errorf("the list has %d lines: most of it is gone", n)
	}
	rows := map[string]row{}
	for _, r := range acceptance() {
		if _, twice := rows[r.name]; twice || !slices.Contains(list, r.name) {
			t.Errorf("%s is there twice or on no list", r.name)
		}
		rows[r.name] = r
	}
	for i, name := range list {
		if _, ok := rows[name]; !ok {
			t.Errorf("%s has no row", name)
		}
		if slices.Contains(list[:i], name) {
			t.Errorf("%s is on the list twice", name)
		}
	}
	there := map[string][]string{}
	for _, r := range rows {
		ways := 0
		for _, is := range []bool{r.run != nil, r.alone != nil, r.test != nil, r.as != ""} {
			if is {
				ways++
			}
		}
		if ways > 1 || ways == 0 && len(r.elsewhere) == 0 {
			t.Errorf("%s runs in %d ways", r.name, ways)
		}
		if same, ok := rows[r.as]; r.as != "" && (!ok || same.as != "" || same.run == nil && same.alone == nil) {
			t.Errorf("%s is as %s, which says nothing itself", r.name, r.as)
		}
		for _, name := range r.elsewhere {
			dot := strings.LastIndexByte(name, '.')
			folder, test := name[:dot], name[dot+1:]
			if there[folder] == nil {
				there[folder] = testNames(t, filepath.Join("..", filepath.FromSlash(folder)))
			}
			if !slices.Contains(there[folder], test) {
				t.Errorf("%s: there is no %s", r.name, name)
			}
		}
		if !hasSetting(r.key) {
			t.Errorf("%s: DomainConfig has no %s", r.name, r.key)
		}
	}
}

// hasSetting reports whether a path of fields is there below ldapmgr.DomainConfig; the empty path is.
func hasSetting(path string) bool {
	typ := reflect.TypeFor[ldapmgr.DomainConfig]()
	for name := range strings.SplitSeq(path, ".") {
		if path == "" {
			break
		}
		field, ok := typ.FieldByName(name)
		if !ok {
			return false
		}
		typ = field.Type
	}
	return true
}

// testNames lists the tests and benchmarks of a folder.
func testNames(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range tree.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}
