// SPDX-License-Identifier: MIT

package ldaptest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// selection is which attributes of an entry are returned.
type selection struct {
	user, operational bool
	wanted            []wanted
	typesOnly         bool
}

type wanted struct {
	typ       *attributeType
	option    string
	ranged    bool
	low, high int // values of a ranged attribute; high -1 is the end
}

// choose reads a list of requested attributes (RFC 4511 section 4.5.1.8). Unknown ones are left out.
func (s *schema) choose(names []string, typesOnly bool) selection {
	sel := selection{typesOnly: typesOnly, user: len(names) == 0}
	for _, name := range names {
		switch {
		case name == oidAttributeAll:
			sel.user = true
		case name == oidAttributeAllOpern:
			sel.operational = s.profile == OpenLDAP
		case strings.HasPrefix(name, "@") && s.profile == OpenLDAP:
			if c := s.class(name[1:]); c != nil {
				sel.addClass(c)
			}
		case name == oidAttributeNone:
		default:
			if w, ok := s.want(name); ok {
				sel.wanted = append(sel.wanted, w)
			}
		}
	}
	return sel
}

// addClass asks for every attribute of a class (RFC 4529).
func (sel *selection) addClass(c *objectClass) {
	for _, typ := range slices.Concat(c.must, c.may) {
		sel.wanted = append(sel.wanted, wanted{typ: typ})
	}
	for _, sup := range c.sup {
		sel.addClass(sup)
	}
}

func (s *schema) want(name string) (w wanted, ok bool) {
	if s.profile == ActiveDirectory {
		if before, bounds, found := strings.Cut(strings.ToLower(name), ";range="); found {
			low, high, _ := strings.Cut(bounds, "-")
			w.ranged, w.high = true, -1
			var err error
			if w.low, err = strconv.Atoi(low); err != nil || w.low < 0 {
				return w, false
			}
			if high != "*" && high != "" {
				if w.high, err = strconv.Atoi(high); err != nil || w.high < w.low {
					return w, false
				}
			}
			name = before
		}
	}
	w.typ, w.option = s.split(name)
	return w, w.typ != nil
}

// asks returns how the selection asks for an attribute, and whether it does.
func (sel *selection) asks(typ *attributeType, option string) (wanted, bool) {
	if typ.secret {
		return wanted{}, false
	}
	for _, w := range sel.wanted {
		if (w.typ == typ || slices.Contains(w.typ.subtypes, typ)) && hasOptions(option, w.option) {
			return w, true
		}
	}
	if typ.operational {
		return wanted{}, sel.operational
	}
	return wanted{}, sel.user
}

// found is an entry as one search returns it.
type found struct {
	entry    *entry
	computed []attr
}

// collect takes from a node what the answer needs. The caller holds the tree's lock.
func (d *Directory) collect(n *node, sel *selection) found {
	f := found{entry: n.entry}
	for _, typ := range d.computed {
		if _, ok := sel.asks(typ, ""); ok {
			if a := d.compute(typ, n.entry); len(a.values) > 0 {
				f.computed = append(f.computed, a)
			}
		}
	}
	return f
}

// encode appends the entry as a SearchResultEntry body.
func (d *Directory) encode(e *wire.Encoder, f found, sel *selection) {
	e.Entry(f.entry.text, func(add func(string, [][]byte)) {
		for _, list := range [][]attr{f.entry.attrs, f.computed} {
			for i := range list {
				a := &list[i]
				w, ok := sel.asks(a.typ, a.option)
				switch {
				case !ok:
				case sel.typesOnly:
					add(a.description(), nil)
				case d.cfg.Profile == ActiveDirectory && (w.ranged || len(a.values) > d.cfg.MaxValRange && !a.typ.operational):
					d.addRange(add, a, w)
				default:
					add(a.description(), a.values)
				}
			}
		}
	})
}

// addRange adds a slice of the values, and an empty attribute beside it where no range was asked for (MS-ADTS
// 3.1.1.3.1.3.3).
func (d *Directory) addRange(add func(string, [][]byte), a *attr, w wanted) {
	if w.low >= len(a.values) && w.low > 0 {
		return
	}
	end := len(a.values)
	if w.ranged && w.high >= 0 {
		end = min(end, w.high+1)
	}
	end = min(end, w.low+d.cfg.MaxValRange)
	bound := strconv.Itoa(end - 1)
	if end == len(a.values) {
		bound = "*"
		if w.low == 0 && !w.ranged {
			add(a.description(), a.values)
			return
		}
	}
	if !w.ranged {
		add(a.description(), nil)
	}
	add(fmt.Sprintf("%s;range=%d-%s", a.description(), w.low, bound), a.values[w.low:end])
}
