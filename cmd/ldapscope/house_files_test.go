// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

const (
	fileLines     = 500
	functionLines = 80
)

// rootFiles stand beside the folders; a name that starts with a dot is out of sight and free.
var rootFiles = []string{
	"go.mod", "go.sum", "Taskfile.yml", "LICENSE", "README.md", "ARCHITECTURE.md", "DECISIONS.md", "CHANGELOG.md",
}

// strays lists files that stand in no folder of the house.
func strays(files []string) (violations []string) {
	for _, file := range files {
		folder, _, nested := strings.Cut(file, "/")
		_, known := ours[folder]
		switch {
		case strings.HasPrefix(folder, "."):
		case nested && !known:
			violations = append(violations, file+" stands in a folder that is not of the house")
		case !nested && !slices.Contains(rootFiles, file):
			violations = append(violations, file+" does not belong beside the folders")
		}
	}
	return violations
}

// unlicensed lists Go files whose first line is not the licence.
func unlicensed(sources map[string][]byte) (violations []string) {
	for _, name := range sortedGo(sources) {
		if !bytes.HasPrefix(sources[name], []byte("// SPDX-License-Identifier: MIT\n")) {
			violations = append(violations, name+" does not start with // SPDX-License-Identifier: MIT")
		}
	}
	return violations
}

// size is how long one file or function is.
type size struct {
	name  string
	lines int
	most  int
}

// sizes measures every Go file and every function in it, longest first among files and among functions.
func sizes(sources map[string][]byte) (files, functions []size, err error) {
	for _, name := range sortedGo(sources) {
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, sources[name], parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, fmt.Errorf("measure: %w", err)
		}
		files = append(files, size{name, bytes.Count(sources[name], []byte("\n")), fileLines})
		for _, declaration := range tree.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok {
				lines := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1
				functions = append(functions, size{path.Dir(name) + "." + f.Name.Name, lines, functionLines})
			}
		}
	}
	longestFirst := func(a, b size) int { return b.lines - a.lines }
	slices.SortStableFunc(files, longestFirst)
	slices.SortStableFunc(functions, longestFirst)
	return files, functions, nil
}

func tooLong(list []size) (violations []string) {
	for _, s := range list {
		if s.lines > s.most {
			violations = append(violations, fmt.Sprintf("%s has %d lines, %d are allowed", s.name, s.lines, s.most))
		}
	}
	return violations
}

func sortedGo(sources map[string][]byte) (names []string) {
	for name := range sources {
		if strings.HasSuffix(name, ".go") && !strings.Contains(name, "testdata/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestFolders(t *testing.T) {
	t.Parallel()
	for _, violation := range strays(houseFiles(t)) {
		t.Error(violation)
	}
}

func TestLicence(t *testing.T) {
	t.Parallel()
	for _, violation := range unlicensed(houseSources(t)) {
		t.Error(violation)
	}
}

// TestSizes also prints the table that the measure task shows.
func TestSizes(t *testing.T) {
	t.Parallel()
	files, functions, err := sizes(houseSources(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 || len(functions) == 0 {
		t.Fatal("found nothing to measure")
	}
	total := 0
	for _, f := range files {
		total += f.lines
	}
	out := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "%d\tfiles, median %d lines, %d lines in all; the longest:\n", len(files), median(files), total)
	for _, s := range files[:min(12, len(files))] {
		fmt.Fprintf(out, "%d\t%s\n", s.lines, s.name)
	}
	fmt.Fprintf(out, "%d\tfunctions, median %d lines; the longest:\n", len(functions), median(functions))
	for _, s := range functions[:min(12, len(functions))] {
		fmt.Fprintf(out, "%d\t%s\n", s.lines, s.name)
	}
	if err := out.Flush(); err != nil {
		t.Error(err)
	}
	for _, violation := range slices.Concat(tooLong(files), tooLong(functions)) {
		t.Error(violation)
	}
}

func median(sorted []size) int { return sorted[len(sorted)/2].lines }

func TestFileRulesFindViolations(t *testing.T) {
	t.Parallel()
	function := func(lines int) string {
		return "package x\n\nfunc f() {\n" + strings.Repeat("\t_ = 0\n", lines-2) + "}\n"
	}
	file := func(lines int) string { return "package x\n" + strings.Repeat("//\n", lines-1) }
	place := func(t *testing.T, name, _ string) []string { return strays([]string{name}) }
	licence := func(t *testing.T, name, source string) []string {
		return unlicensed(map[string][]byte{name: []byte(source)})
	}
	length := func(t *testing.T, name, source string) []string {
		files, functions, err := sizes(map[string][]byte{name: []byte(source)})
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(tooLong(files), tooLong(functions))
	}
	tests := []struct {
		name         string
		check        func(t *testing.T, name, source string) []string
		file, source string
		violations   int
	}{
		{"in a folder of the house", place, "panel/hub.go", "", 0},
		{"in a subfolder", place, "ldapmgr/ldaptest/data.ldif", "", 0},
		{"in another folder", place, "examples/main.go", "", 1},
		{"in another folder named like a file", place, "LICENSE/x", "", 1},
		{"root file", place, "README.md", "", 0},
		{"another root file", place, "main.go", "", 1},
		{"root file named like a folder", place, "panel", "", 1},
		{"hidden", place, ".ci/run", "", 0},
		{"licence", licence, "panel/hub.go", "// SPDX-License-Identifier: MIT\n\npackage panel\n", 0},
		{"no licence", licence, "panel/hub.go", "package panel\n", 1},
		{"another licence", licence, "panel/hub.go", "// SPDX-License-Identifier: MIT-0\n", 1},
		{"licence below the first line", licence, "panel/hub.go", "\n// SPDX-License-Identifier: MIT\n", 1},
		{"no Go file", licence, "web/app.js", "export {}\n", 0},
		{"function at the limit", length, "x/x.go", function(functionLines), 0},
		{"function above the limit", length, "x/x.go", function(functionLines + 1), 1},
		{"file at the limit", length, "x/x.go", file(fileLines), 0},
		{"file above the limit", length, "x/x.go", file(fileLines + 1), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.check(t, test.file, test.source); len(got) != test.violations {
				t.Errorf("%d violations, want %d: %q", len(got), test.violations, got)
			}
		})
	}
}

// houseFiles lists the files of the checkout, with slashes: those that git tracks or would track, or all of them where the
// checkout is a plain copy. The folders are read in either case, so that go test's cache sees a new file.
func houseFiles(t *testing.T) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root(t)), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, noGit := exec.LookPath("git")
	if _, err := os.Stat(filepath.Join(root(t), ".git")); err != nil || noGit != nil {
		return files
	}
	command := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	command.Dir = root(t)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

func houseSources(t *testing.T) map[string][]byte {
	t.Helper()
	sources := map[string][]byte{}
	for _, name := range houseFiles(t) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		source, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not yet so for git
		}
		if err != nil {
			t.Fatal(err)
		}
		sources[name] = source
	}
	return sources
}
