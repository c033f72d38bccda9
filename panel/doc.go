// SPDX-License-Identifier: MIT

// Package panel serves the live page: what a Scope has recorded, as it happens, over HTTP and a websocket. It is an
// http.Handler that mounts under any prefix of any router, and a Run that owns the live connections.
//
//	p := panel.New(panel.Config{Scope: scope, Domains: manager})
//	go p.Run(ctx)
//	router.Mount("/debug/ldap", p)      // chi; with net/http: http.StripPrefix
//
// What a host adds is shown and what it leaves out is hidden: Domains, History with pins, Users with their sync, Metrics. Replay, which lets
// people ask a recorded search once more, is off unless the host sets it. Widget puts a handle into the application's pages, and
// /?plain=1 serves the last HTTP requests to browsers without JavaScript.
//
// The panel has no verb that changes a directory. It answers only who may see it: requests are checked for Host, then
// Origin, then token (see Config). Directory data is hostile: it travels as JSON and is shown as text.
//
// A Panel is safe for concurrent use. Run is called once and ends when its context ends; without it the page works and
// the live connection answers 503 and says why.
//
//	answer  meaning
//	400     a query or a number that does not parse; the message says what to change
//	401     no or a wrong token
//	403     a browser page of another origin asks, or a peer that is not loopback without Config.Access
//	404     no such thing, or the host application gives no such data
//	409     it cannot be done as things stand, such as pinning an operation that is gone
//	410     the operation was evicted from the recorder
//	421     the Host header is none of the allowed ones, see Config.Hosts
//	429     too many wrong tokens
package panel
