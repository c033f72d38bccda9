// SPDX-License-Identifier: MIT

package web

import (
	"strings"
	"testing"
	"testing/fstest"
)

// modules are files whose names mean different things in each of them.
func modules(extra ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i := 0; i+1 < len(extra); i += 2 {
		files["js/"+extra[i]] = &fstest.MapFile{Data: []byte(extra[i+1])}
	}
	return files
}

func TestJoin(t *testing.T) {
	t.Parallel()
	got, err := join(modules(
		"app.js", "// first\nimport { one, two as second, } from \"./a.js\";\nimport { one as other } from \"./b.js\";\nconst own = one + other;\nexport { own };\n",
		"a.js", "import { one as deep } from \"./b.js\";\nexport const one = deep + 1;\nexport async function two() {}\nclass Hidden {}\n",
		"b.js", "export const one = 1, more = 2;\nexport class Shown {}\n",
	), "js/app.js")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(got)), " ")
	for _, part := range []string{
		"return {one, more, Shown}; })(); const module1", // b comes once and first, a second
		"const {one: deep} = module0", "return {one, two}; })(); const module2",
		"const {one, two: second} = module1", "const {one: other} = module0", "return {own}; })(); export const {own} = module2;",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, got)
		}
	}
	if strings.Contains(text, "import") || strings.Count(text, "export") != 1 {
		t.Errorf("the modules' own imports or exports are left in\n%s", got)
	}
}

// TestJoinRefuses holds join to say what it cannot do instead of making something else.
func TestJoinRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, app, other, want string }{
		{"cycle", `import { a } from "./b.js"`, `import { c } from "./app.js"; export const a = c`, "imports itself"},
		{"missing file", `import { a } from "./absent.js"`, "", "file does not exist"},
		{"package", `import { a } from "lit"`, "", "can be joined"},
		{"other folder", `import { a } from "../b.js"`, "", "can be joined"},
		{"everything", `import * as b from "./b.js"`, "", "can be joined"},
		{"default import", `import b from "./b.js"`, "", "can be joined"},
		{"import for its effects", `import "./b.js"`, "", "can be joined"},
		{"default export", `export default function () {}`, "", "can be joined"},
		{"export of another file", `export { a } from "./b.js"`, "", "can be joined"},
		{"export under another name", `const a = 1; export { a as b }`, "", "can be joined"},
		{"export that changes", `export let a = 1`, "", "can be joined"},
		{"export taken apart", `export const { a } = {}`, "", "can be joined"},
		{"no script", `const = `, "", "app.js: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := join(modules("app.js", tt.app, "b.js", tt.other), "js/app.js")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q; it made\n%s", err, tt.want, got)
			}
		})
	}
}
