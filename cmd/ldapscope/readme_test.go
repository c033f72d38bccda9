// SPDX-License-Identifier: MIT

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// known are the settings of the programs that people come from.
const known = `WAUTH_DOMAINS WAUTH_USE_SPN WAUTH_RESYNC_DELTA WAUTH_USE_CACHE WAUTH_REQUIRE_RESYNC WAUTH_ERROR_RESPONSE
	WAUTH_LOWERCASE_USERNAME WAUTH_IGNORE_SETTING_WARNINGS WAUTH_PRELOAD_DOMAINS WAUTH_SIMULATE_USER
	SERVER USERNAME PASSWORD SEARCH_BASE USE_SSL StartTLS READ_ONLY COLLECT_METRICS SERVER_OPTIONS CONNECTION_OPTIONS PRELOAD_DEFINITIONS
	USER_FIELD_MAP USER_QUERY_FIELD USER_QUERY_FILTER GROUP_ATTRS SUPERUSER_GROUPS STAFF_GROUPS ACTIVE_GROUPS PROPAGATE_GROUPS GROUP_MAP FLAG_MAP
	AUTH_LDAP_SERVER_URI AUTH_LDAP_BIND_DN AUTH_LDAP_BIND_PASSWORD AUTH_LDAP_USER_SEARCH AUTH_LDAP_USER_DN_TEMPLATE
	AUTH_LDAP_BIND_AS_AUTHENTICATING_USER AUTH_LDAP_REFRESH_DN_ON_BIND AUTH_LDAP_PERMIT_EMPTY_PASSWORD AUTH_LDAP_START_TLS
	AUTH_LDAP_CONNECTION_OPTIONS AUTH_LDAP_GLOBAL_OPTIONS AUTH_LDAP_USER_ATTRLIST AUTH_LDAP_USER_ATTR_MAP AUTH_LDAP_USER_FLAGS_BY_GROUP
	AUTH_LDAP_USER_QUERY_FIELD AUTH_LDAP_ALWAYS_UPDATE_USER AUTH_LDAP_NO_NEW_USERS AUTH_LDAP_GROUP_SEARCH AUTH_LDAP_GROUP_TYPE
	AUTH_LDAP_REQUIRE_GROUP AUTH_LDAP_DENY_GROUP AUTH_LDAP_FIND_GROUP_PERMS AUTH_LDAP_AUTHORIZE_ALL_USERS AUTH_LDAP_MIRROR_GROUPS
	AUTH_LDAP_MIRROR_GROUPS_EXCEPT AUTH_LDAP_CACHE_TIMEOUT AUTH_LDAP_CACHE_GROUPS AUTH_LDAP_GROUP_CACHE_TIMEOUT`

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	inGo   = regexp.MustCompile("Go: `([^`]+)`")
)

// settingRows are the rows of the README's table of settings: the setting, what answers to it, and remarks.
func settingRows(t *testing.T) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| Setting | ldapscope key |")
	if !found {
		t.Fatal("the README has no table of settings")
	}
	for i, line := range strings.Split(table, "\n") {
		if i < 2 {
			continue // the rest of the head
		}
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			return rows
		}
		rows = append(rows, []string{strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])})
	}
	return rows
}

// Every setting of the other programs has a row, and every row says something that is there.
func TestSettingsOfTheReadmeExist(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	program, domain := everyKey()
	for _, key := range append(program, domain...) {
		for ; key != ""; key = key[:max(0, strings.LastIndexByte(key, '.'))] {
			keys[key] = true
		}
	}
	keys["domains"], keys["defaults"] = true, true // shown domain by domain
	api := exported(t)
	missing := map[string]bool{}
	for _, name := range strings.Fields(known) {
		missing[name] = true
	}
	for _, row := range settingRows(t) {
		if !missing[row[0]] {
			t.Errorf("%s is no setting of theirs, or has two rows", row[0])
		}
		delete(missing, row[0])
		for _, name := range inGo.FindAllStringSubmatch(row[1]+row[2], -1) {
			if !api[name[1]] {
				t.Errorf("%s: there is no %s", row[0], name[1])
			}
		}
		reason, none := strings.CutPrefix(row[1], "no counterpart:")
		if none && strings.TrimSpace(reason) == "" {
			t.Errorf("%s has no counterpart for no reason", row[0])
		}
		if none || inGo.MatchString(row[1]) {
			continue
		}
		names := quoted.FindAllStringSubmatch(row[1], -1)
		if len(names) == 0 {
			t.Errorf("%s has no key", row[0])
		}
		for _, name := range names {
			if !keys[name[1]] {
				t.Errorf("%s: %s is no key", row[0], name[1])
			}
		}
	}
	for name := range missing {
		t.Errorf("%s has no row", name)
	}
}

// exported are the types, fields and methods of the packages that the table names.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, folder := range []string{"ldapmgr", "ldapmgr/webauth"} {
		path := filepath.Join("..", "..", filepath.FromSlash(folder))
		files, err := fs.Glob(os.DirFS(path), "*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(path, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, declaration := range tree.Decls {
				declared(tree.Name.Name, declaration, names)
			}
		}
	}
	return names
}

func declared(pkg string, declaration ast.Decl, names map[string]bool) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names[pkg+"."+d.Name.Name] = true
			return
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if of, ok := receiver.(*ast.Ident); ok {
			names[pkg+"."+of.Name+"."+d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			typ, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			names[pkg+"."+typ.Name.Name] = true
			if structure, ok := typ.Type.(*ast.StructType); ok {
				for _, field := range structure.Fields.List {
					for _, name := range field.Names {
						names[pkg+"."+typ.Name.Name+"."+name.Name] = true
					}
				}
			}
		}
	}
}
