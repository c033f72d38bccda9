// SPDX-License-Identifier: MIT

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// explained is one setting that holds, and where it comes from.
type explained struct {
	Domain string   `json:"domain"` // "" for what concerns the program
	Key    string   `json:"key"`
	Values []string `json:"values"` // none where nothing is set; Text then says what that means
	Text   string   `json:"text,omitempty"`
	Origin string   `json:"origin"`
	Line   int      `json:"line,omitempty"` // in the file
}

// unset says what holds where a setting is not set at all; for all others that is nothing special.
var unset = map[string]string{
	"aliases": "none", "base": "the server's default naming context", "writer": "the service account makes changes", "starttls": "false",
	"read_only": "true", "save_usage": "true", "log": "what the program logs", "preset": "none", "silence": "none", "referrals": "none are followed",
	"replace": "none", "classes": "none are read ahead", "srv": "servers are listed", "servers": "looked up by srv", "extra": "none",
	"tls.ca_file": "the system's authorities", "tls.server_name": "the host of the URL", "tls.legacy_rsa": "false",
	"tls.insecure_skip_verify": "false", "tls.pins": "none", "tls.client_cert": "none", "tls.client_key": "in client_cert", "tls.password": "none",
	"timeouts.operation": "as long as the call", "pool.min_idle": "0", "pool.max_uses": "no limit",
	"login.attributes": "sAMAccountName and userPrincipalName, or uid", "login.filter": "made of login.attributes", "login.names": "none: search, then bind",
	"login.as_user": "false", "login.refresh_dn": "false", "login.empty_password": "false", "login.password_policy": "true",
	"login.require": "everybody may", "login.deny": "nobody", "login.limit.bad_passwords": "off",
	"users.places": "below base", "users.best_effort": "false", "users.filter": "by the kind of server", "users.account": "sAMAccountName, or uid",
	"users.key": "objectGUID, nsUniqueId or entryUUID", "users.attributes": "none", "users.fields": "none", "users.cache_for": "0s",
	"users.miss_for": "0s", "groups.places": "below base", "groups.best_effort": "false", "groups.filter": "by the strategy", "groups.nested": "by the strategy",
	"groups.cache_for": "0s", "sync.query_field": "the name", "sync.new_users": "true", "sync.update": "true", "sync.flags": "none",
	"sync.implies": "none", "sync.groups": "none", "sync.mirror.on": "false", "sync.mirror.only": "all", "sync.mirror.except": "none",
	"sync.mirror.prefix": "none", "sync.group_permissions": "false", "sync.authorize_all": "false", "sync.brake.sentinels": "the service account's own entry",
	"sync.every": "never", "sync.resync": "true", "sync.resync_after": "24h",
	"default": "the only domain", "serve_unlisted": "false", "preload": "all domains", "database": "beside the program's state",
	"users_database": "beside the program's state", "panel.listen": "127.0.0.1:8389", "panel.token_file": "none: a token for each start",
	"panel.hosts": "loopback", "panel.prefix": "none", "recorder.operations": "100000", "recorder.bytes": "67108864",
}

// told is what readers tell of their targets: values by path, and the paths in order.
type told struct {
	order  []string
	values map[string][]string
}

func tell(keys section) told {
	t := told{values: map[string][]string{}}
	w := &walker{show: func(at, values []string) {
		path := strings.Join(at, ".")
		t.order, t.values[path] = append(t.order, path), values
	}}
	w.section(nil, nil, keys)
	return t
}

// explain lists every setting that holds: those of the program, then those of each domain in the order of the file.
func (c *fileConfig) explain() []explained {
	var all []explained
	program := tell(c.keys())
	for _, path := range program.order {
		e := explained{Key: path, Values: program.values[path], Origin: "default", Text: unset[path]}
		if line := c.lines[path]; line > 0 {
			e.Origin, e.Line = c.origin(path, line), line
		}
		all = append(all, e)
	}
	names := slices.SortedFunc(maps.Keys(c.manager.Domains), func(a, b string) int {
		return cmp.Compare(c.lines["domains."+a], c.lines["domains."+b])
	})
	for _, name := range names {
		all = append(all, c.explainDomain(name)...)
	}
	return all
}

func (c *fileConfig) explainDomain(name string) (all []explained) {
	layers := c.manager.Layers(name)
	effective := tell(domainKeys(&layers.Effective))
	from := []struct {
		values map[string][]string
		prefix string // of paths in the file; "" for none
		named  string
	}{
		{tell(domainKeys(&layers.Own)).values, "domains." + name + ".", ""},
		{tell(domainKeys(&layers.Defaults)).values, "defaults.", "defaults"},
		{tell(domainKeys(&layers.Preset)).values, "", "preset " + layers.Effective.Preset},
	}
	for _, path := range effective.order {
		e := explained{Domain: name, Key: path, Values: effective.values[path], Origin: "default", Text: unset[path]}
		for _, layer := range from {
			values, known := layer.values[path]
			if !known || values == nil || !slices.Equal(values, e.Values) {
				continue
			}
			e.Origin = layer.named
			if layer.prefix != "" {
				e.Line = c.lineOf(layer.prefix + path)
				e.Origin = strings.TrimPrefix(layer.named+", "+c.origin(layer.prefix+path, e.Line), ", ")
			}
			break
		}
		all = append(all, e)
	}
	return all
}

// lineOf is the line of a key, or of what it is written in.
func (c *fileConfig) lineOf(path string) int {
	for path != "" {
		if line := c.lines[path]; line > 0 {
			return line
		}
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
	}
	return 0
}

func (c *fileConfig) origin(path string, line int) string {
	if name := c.env[path]; name != "" {
		return fmt.Sprintf("environment variable %s, line %d", name, line)
	}
	return fmt.Sprintf("line %d", line)
}
