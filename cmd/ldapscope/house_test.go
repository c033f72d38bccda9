// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/ldapscope/ldapscope"

// ours says which of our top folders the packages of a top folder may import besides their own.
var ours = map[string][]string{
	"instrument": {},
	"web":        {},
	"ldapmgr":    {"instrument"},
	"metricsdb":  {"instrument"},
	"panel":      {"instrument", "ldapmgr", "web"},
	"cmd":        {"instrument", "ldapmgr", "metricsdb", "panel", "web"},
}

// gssapi pulls Kerberos in, so exactly one package holds it and only a program pays for it.
const (
	gssapi = "github.com/go-ldap/ldap/v3/gssapi"
	gokrb5 = "github.com/jcmturner/gokrb5/v8"
)

// The SDK of OpenTelemetry is the application's choice: of the library only the span processor has it.
const (
	sdk         = "go.opentelemetry.io/otel/sdk"
	spanHandler = module + "/instrument/spanburst"
)

// isKerberos reports whether a package belongs to the Kerberos library or pulls it in.
func isKerberos(path string) bool { return path == gssapi || strings.HasPrefix(path, gokrb5+"/") }

// theirs says which of our top folders may import a third-party package; the longest path that fits decides.
var theirs = map[string][]string{
	"github.com/go-ldap/ldap/v3":         {"instrument", "ldapmgr", "cmd"},
	gssapi:                               {"ldapmgr"},
	gokrb5:                               {"ldapmgr"},
	"golang.org/x/crypto/md4":            {"ldapmgr"}, // NTLM of the in-memory directory
	"github.com/smallstep/pkcs7":         {"ldapmgr"}, // certificates in P7B files
	"software.sslmate.com/src/go-pkcs12": {"ldapmgr"}, // and in PFX files
	"github.com/go-asn1-ber/asn1-ber":    {"instrument"},
	"go.opentelemetry.io/otel":           {"instrument", "cmd"},
	sdk:                                  {"instrument", "cmd"},
	"go.opentelemetry.io/otel/exporters": {"cmd"},
	"go.opentelemetry.io/contrib/exporters/autoexport":              {"cmd"},
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp": {"cmd"},
	"github.com/prometheus/client_golang":                           {"cmd"},
	"modernc.org/sqlite":                                            {"metricsdb", "cmd"},
	"github.com/go-chi/chi/v5":                                      {"panel", "cmd"},
	"github.com/gorilla/websocket":                                  {"panel"},
	"github.com/tdewolff/minify/v2":                                 {"web"},
	"github.com/tdewolff/parse/v2":                                  {"web"},
	"github.com/spf13/cobra":                                        {"cmd"},
	"github.com/spf13/pflag":                                        {"cmd"}, // the types of cobra's flags
	"go.yaml.in/yaml/v3":                                            {"cmd"},
	"golang.org/x/sync":                                             {"instrument", "ldapmgr", "metricsdb", "panel", "cmd"},
	"golang.org/x/term":                                             {"cmd"}, // asks for passwords without showing them
}

// goPackage is what `go list -json` says of one package; Imports leaves those of its tests out.
type goPackage struct {
	ImportPath string
	Imports    []string
}

// top returns the top folder of one of our packages, or "" for any other.
func top(path string) string {
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	folder, _, _ := strings.Cut(rest, "/")
	return folder
}

// houseImports lists imports among our packages that the import rule forbids.
func houseImports(packages []goPackage) (violations []string) {
	for _, p := range packages {
		from := top(p.ImportPath)
		for _, path := range p.Imports {
			to := top(path)
			if to != "" && to != from && !slices.Contains(ours[from], to) {
				violations = append(violations, fmt.Sprintf("%s imports %s: %s may import only %v", p.ImportPath, path, from, ours[from]))
			}
		}
	}
	return violations
}

// thirdParty lists imports that the third-party rule forbids.
func thirdParty(packages []goPackage) (violations []string) {
	wire := module + "/instrument/wire"
	kerberos := ""
	for _, p := range packages {
		for _, path := range p.Imports {
			first, _, _ := strings.Cut(path, "/")
			standard := !strings.Contains(first, ".")
			if isKerberos(path) && kerberos == "" {
				kerberos = p.ImportPath
			}
			switch {
			case (path == "testing" || path == "flag") && top(p.ImportPath) != "cmd":
				violations = append(violations, fmt.Sprintf("%s imports %s, which adds flags to every program", p.ImportPath, path))
			case standard || top(path) != "":
			case p.ImportPath == wire:
				violations = append(violations, fmt.Sprintf("%s imports %s: the codec stands on the standard library alone", p.ImportPath, path))
			case isKerberos(path) && (p.ImportPath != kerberos || p.ImportPath == module+"/ldapmgr"):
				violations = append(violations, fmt.Sprintf("%s imports %s: one subpackage of ldapmgr does", p.ImportPath, path))
			case strings.HasPrefix(path, sdk+"/") && top(p.ImportPath) == "instrument" && p.ImportPath != spanHandler:
				violations = append(violations, fmt.Sprintf("%s imports %s: in the library only %s does", p.ImportPath, path, spanHandler))
			case !slices.Contains(mayImport(path), top(p.ImportPath)):
				violations = append(violations, fmt.Sprintf("%s imports %s: allowed in %v", p.ImportPath, path, mayImport(path)))
			}
		}
	}
	for _, p := range packages {
		for _, path := range p.Imports {
			if top(p.ImportPath) != "cmd" && (path == spanHandler || path == kerberos) {
				violations = append(violations, fmt.Sprintf("%s imports %s: only a program may", p.ImportPath, path))
			}
		}
	}
	return violations
}

func mayImport(path string) []string {
	longest := ""
	for prefix := range theirs {
		if (path == prefix || strings.HasPrefix(path, prefix+"/")) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return theirs[longest]
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	packages := goList(t)
	if len(packages) == 0 {
		t.Fatal("go list found no package")
	}
	for _, violation := range append(houseImports(packages), thirdParty(packages)...) {
		t.Error(violation)
	}
}

func TestImportRulesFindViolations(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		from, to   string
		violations int
	}{
		{"floor stands alone", "instrument", module + "/ldapmgr", 1},
		{"floor's subpackage stands alone", "instrument/advice", module + "/panel", 1},
		{"own subpackage", "instrument", module + "/instrument/wire", 0},
		{"subpackage counts as its top folder", "ldapmgr/ldaptest", module + "/instrument/wire", 0},
		{"wings do not meet", "ldapmgr", module + "/metricsdb", 1},
		{"roof does not touch history", "panel", module + "/metricsdb", 1},
		{"roof on a wing", "panel", module + "/ldapmgr", 0},
		{"web stands alone", "web", module + "/instrument", 1},
		{"nobody imports the program", "panel", module + "/cmd/ldapscope", 1},
		{"program imports everything", "cmd/ldapscope", module + "/metricsdb", 0},
		{"unknown folder", "util", module + "/instrument", 1},

		{"standard library", "panel", "net/http", 0},
		{"testing in shipped code", "ldapmgr/ldaptest", "testing", 1},
		{"flag in a library", "metricsdb", "flag", 1},
		{"go-ldap in the manager", "ldapmgr", "github.com/go-ldap/ldap/v3", 0},
		{"go-ldap in the panel", "panel", "github.com/go-ldap/ldap/v3", 1},
		{"anything in the codec", "instrument/wire", "github.com/go-asn1-ber/asn1-ber", 1},
		{"asn1-ber in the floor", "instrument", "github.com/go-asn1-ber/asn1-ber", 0},
		{"gssapi in a subpackage", "ldapmgr/kerberos", gssapi, 0},
		{"gssapi in the manager itself", "ldapmgr", gssapi, 1},
		{"gssapi in the program", "cmd/ldapscope", gssapi, 1},
		{"the Kerberos library in a subpackage", "ldapmgr/kerberos", gokrb5 + "/client", 0},
		{"the Kerberos library in the manager itself", "ldapmgr", gokrb5 + "/client", 1},
		{"OTel API in the floor", "instrument", "go.opentelemetry.io/otel/trace", 0},
		{"OTel API above the floor", "panel", "go.opentelemetry.io/otel/attribute", 1},
		{"OTel SDK in the floor", "instrument", sdk + "/trace", 1},
		{"OTel SDK in the span processor", "instrument/spanburst", sdk + "/trace", 0},
		{"the span processor in the floor", "instrument", spanHandler, 1},
		{"the span processor in the program", "cmd/ldapscope", spanHandler, 0},
		{"OTel SDK in the program", "cmd/ldapscope", "go.opentelemetry.io/otel/sdk/metric", 0},
		{"SQLite in the panel", "panel", "modernc.org/sqlite", 1},
		{"websocket in the program", "cmd/ldapscope", "github.com/gorilla/websocket", 1},
		{"a prefix of a name is not its path", "cmd/ldapscope", "github.com/spf13/cobra2", 1},
		{"not in the table", "cmd/ldapscope", "github.com/stretchr/testify/assert", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			packages := []goPackage{{ImportPath: module + "/" + test.from, Imports: []string{"fmt", test.to}}}
			if got := append(houseImports(packages), thirdParty(packages)...); len(got) != test.violations {
				t.Errorf("%d violations, want %d: %q", len(got), test.violations, got)
			}
		})
	}
}

func TestKerberosIsInOnePlace(t *testing.T) {
	t.Parallel()
	packages := []goPackage{
		{module + "/ldapmgr/kerberos", []string{gssapi}},
		{module + "/ldapmgr/other", []string{gssapi}},
		{module + "/ldapmgr", []string{module + "/ldapmgr/kerberos"}},
		{module + "/cmd/ldapscope", []string{module + "/ldapmgr/kerberos"}},
	}
	want := []string{
		module + "/ldapmgr/other imports " + gssapi + ": one subpackage of ldapmgr does",
		module + "/ldapmgr imports " + module + "/ldapmgr/kerberos: only a program may",
	}
	if diff := cmp.Diff(want, thirdParty(packages)); diff != "" {
		t.Error(diff)
	}
}

// libcMatches compares the libc that this module selects with the one that its SQLite was generated for; with another one
// SQLite corrupts memory.
func libcMatches(selected string, sqliteRequires map[string]string) error {
	switch want := sqliteRequires["modernc.org/libc"]; want {
	case "":
		return errors.New("modernc.org/sqlite names no modernc.org/libc")
	case selected:
		return nil
	default:
		return fmt.Errorf("modernc.org/libc is %s, modernc.org/sqlite needs %s", selected, want)
	}
}

func TestSQLiteHasItsLibc(t *testing.T) {
	t.Parallel()
	var libc, sqlite struct{ Version, GoMod string }
	goJSON(t, &libc, "list", "-m", "-json", "modernc.org/libc")
	goJSON(t, &sqlite, "list", "-m", "-json", "modernc.org/sqlite")
	var mod struct {
		Require []struct{ Path, Version string }
	}
	goJSON(t, &mod, "mod", "edit", "-json", sqlite.GoMod)
	requires := map[string]string{}
	for _, r := range mod.Require {
		requires[r.Path] = r.Version
	}
	if err := libcMatches(libc.Version, requires); err != nil {
		t.Error(err)
	}
	if libcMatches("v0.0.1", requires) == nil || libcMatches(libc.Version, nil) == nil {
		t.Error("another libc passes")
	}
}

// root is the checkout.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func goList(t *testing.T) (packages []goPackage) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(goOutput(t, "list", "-e", "-json=ImportPath,Imports", "./...")))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func goJSON(t *testing.T, into any, args ...string) {
	t.Helper()
	if err := json.Unmarshal([]byte(goOutput(t, args...)), into); err != nil {
		t.Fatalf("go %v: %v", args, err)
	}
}

func goOutput(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = root(t)
	out, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go %v: %v\n%s", args, err, exit.Stderr)
		}
		t.Fatalf("go %v: %v", args, err)
	}
	return string(out)
}
