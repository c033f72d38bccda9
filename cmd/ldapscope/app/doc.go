// SPDX-License-Identifier: MIT

// Package app is a small web application on a directory: login, profile, people, computers and groups. It exists to be
// watched: the demo serves it beside the panel, and serve --app puts it on a configured domain. It is written as an
// application of a user would be, with two faults on purpose: the groups page asks once for each member, and one page
// binds with a wrong password.
//
// An App is an http.Handler, safe for concurrent use. Sessions live in memory and end with the process. Failures of the
// directory are shown on the page; nothing is returned.
package app
