// SPDX-License-Identifier: MIT

// Package web holds the files of the live page: one HTML template, hand-written ES modules, one style sheet and one SVG
// sprite. There is no build step, no framework and no code of others; what the browser runs is what stands here, line by
// line, with empty lines for comments.
//
//	template.ParseFS(web.Files, "index.html")     // fields Base, Assets and Version
//	fs.ReadFile(web.Files, "assets/js/app.js")
//
// The data flows one way: js/live.js receives frames, js/protocol.js reads them, js/store.js keeps the rows, js/tree.js
// orders them for the list, and the pages draw. Everything from a directory is set as text; see js/dom.js.
//
// Files is read-only and safe for concurrent use. Nothing here returns errors.
package web
