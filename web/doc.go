// SPDX-License-Identifier: MIT

// Package web holds the files of the live page: one HTML template, hand-written ES modules, one style sheet and one SVG
// sprite. There is no framework and no script of others. Browsers get the modules as one minified file from the folder
// built, which go generate makes; whoever wants to read and debug them opens the page with ?source, which loads them as they
// stand here.
//
//	template.ParseFS(web.Files, "index.html")     // fields Base, Script, Assets and Version
//	web.Served(web.Page)                          // what a browser gets of assets/js
//	web.Files.ReadFile("assets/js/app.js")        // what stands here
//
// The data flows one way: js/live.js receives frames, js/protocol.js reads them, js/store.js keeps the rows, js/tree.js
// orders them for the list, and the pages draw. Everything from a directory is set as text; see js/dom.js.
//
// Files is read-only, and all of this is safe for concurrent use.
package web
