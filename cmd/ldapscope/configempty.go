// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// empty finds values that are written and do not hold, because an empty one means that it is inherited: whoever writes 0s
// to turn a cache off must not go on with one.
func (c *fileConfig) empty() (problems []error) {
	for _, name := range slices.Sorted(maps.Keys(c.manager.Domains)) {
		l := c.manager.Layers(name)
		problems = append(problems, c.emptyBelow("domains."+name, l.Own, l)...)
	}
	l := c.manager.Layers("") // no domain has this name
	return append(problems, c.emptyBelow("defaults", c.manager.Defaults, l)...)
}

// emptyBelow finds those below one key, where own is written and l is what comes of it.
func (c *fileConfig) emptyBelow(key string, own ldapmgr.DomainConfig, l ldapmgr.Layers) (problems []error) {
	written, effective := tell(domainKeys(&own)).values, tell(domainKeys(&l.Effective))
	defaults, preset := tell(domainKeys(&l.Defaults)).values, tell(domainKeys(&l.Preset)).values
	for _, path := range effective.order {
		line, holds := c.lines[key+"."+path], effective.values[path]
		if line == 0 || written[path] != nil || holds == nil || strings.HasPrefix(path, "extra") {
			continue
		}
		from, way := "the built-in defaults", ""
		switch {
		case key != "defaults" && defaults[path] != nil:
			part, _, _ := strings.Cut(path, ".")
			from, way = "defaults", "; replace: ["+part+"] leaves out all that defaults say of it"
			if part == path {
				way = ""
			}
		case preset[path] != nil:
			from = "preset " + l.Effective.Preset
		}
		problems = append(problems, fmt.Errorf("%s:%d: %s.%s is empty or 0, which means that it is inherited: %s holds, from %s; remove the line%s",
			c.path, line, key, path, strings.Join(holds, ", "), from, way))
	}
	return problems
}
