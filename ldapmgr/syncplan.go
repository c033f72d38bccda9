// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Plan is what a sync changes for one user: nothing is changed that is not in it.
type Plan struct {
	Domain  string `json:"domain"`
	Key     string `json:"key"`
	DN      string `json:"dn,omitempty"`
	Account string `json:"account"`      // in the directory
	ID      string `json:"id,omitempty"` // of the local account; "" for one that is created
	Name    string `json:"name"`         // of the local account

	Create   bool          `json:"create,omitempty"`
	Link     bool          `json:"link,omitempty"`  // an existing local account becomes this person's
	Moved    bool          `json:"moved,omitempty"` // the DN is another one than before
	Leave    bool          `json:"leave,omitempty"` // the person is gone: the account is deactivated
	Return   bool          `json:"return,omitempty"`
	Fields   []FieldChange `json:"fields,omitempty"`
	Flags    []FlagChange  `json:"flags,omitempty"`
	Join     []string      `json:"join,omitempty"`
	Quit     []string      `json:"quit,omitempty"`
	Held     []Held        `json:"held,omitempty"` // removals that the brake kept back
	LastSync time.Time     `json:"-"`              // zero: what is kept is recent enough

	User *User `json:"-"` // nil for who left
}

// FieldChange is one field; nil is no value.
type FieldChange struct {
	Name string  `json:"name"`
	From *string `json:"from"`
	To   *string `json:"to"`
}

// FlagChange is one flag.
type FlagChange struct {
	Name string `json:"name"`
	To   bool   `json:"to"`
}

// Held is a removal that was not made, and why.
type Held struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
}

// IsZero reports whether nothing is to be written.
func (p Plan) IsZero() bool {
	return !p.Create && !p.Link && !p.Moved && !p.Leave && !p.Return && len(p.Fields)+len(p.Flags)+len(p.Join)+len(p.Quit) == 0 && p.LastSync.IsZero()
}

// Changed reports whether something changes that people see, the time of the sync aside.
func (p Plan) Changed() bool {
	p.LastSync = time.Time{}
	return !p.IsZero()
}

// String returns the plan as lines, the removals marked with a minus. It holds the values of fields.
func (p Plan) String() string {
	var b strings.Builder
	line := func(sign, format string, args ...any) {
		fmt.Fprintf(&b, "  %s %s\n", sign, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s (%s in %s)\n", p.Name, p.Account, p.Domain)
	for _, word := range []struct {
		is         bool
		sign, text string
	}{
		{p.Create, "+", "new account"}, {p.Link, "+", "existing account is linked"}, {p.Moved, "~", "moved to " + p.DN},
		{p.Return, "+", "is back, active again"}, {p.Leave, "-", "is gone, deactivated"},
	} {
		if word.is {
			line(word.sign, "%s", word.text)
		}
	}
	for _, c := range p.Fields {
		switch {
		case c.To == nil:
			line("-", "%s: was %q", c.Name, *c.From)
		case c.From == nil:
			line("+", "%s: %q", c.Name, *c.To)
		default:
			line("~", "%s: %q, was %q", c.Name, *c.To, *c.From)
		}
	}
	for _, c := range p.Flags {
		line(map[bool]string{true: "+", false: "-"}[c.To], "flag %s", c.Name)
	}
	for _, g := range p.Join {
		line("+", "group %s", g)
	}
	for _, g := range p.Quit {
		line("-", "group %s", g)
	}
	for _, h := range p.Held {
		line("!", "kept: %s: %s", h.What, h.Reason)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// After returns the account as it is once the plan is carried out.
func (p Plan) After(before Stored) Stored {
	after := before
	after.Name, after.Domain, after.Key = p.Name, p.Domain, p.Key
	if p.DN != "" {
		after.DN = p.DN
	}
	after.Fields, after.Flags = maps.Clone(before.Fields), maps.Clone(before.Flags)
	if after.Fields == nil {
		after.Fields = map[string]string{}
	}
	if after.Flags == nil {
		after.Flags = map[string]bool{}
	}
	if p.Create {
		if _, set := after.Flags[ActiveFlag]; !set {
			after.Flags[ActiveFlag] = true
		}
	}
	for _, c := range p.Fields {
		delete(after.Fields, c.Name)
		if c.To != nil {
			after.Fields[c.Name] = *c.To
		}
	}
	for _, c := range p.Flags {
		after.Flags[c.Name] = c.To
	}
	after.Groups = slices.DeleteFunc(slices.Concat(before.Groups, p.Join), func(g string) bool { return containsFold(p.Quit, g) })
	if !p.LastSync.IsZero() {
		after.LastSync, after.LastError = p.LastSync, ""
	}
	switch {
	case p.Leave:
		after.Left = p.LastSync
	case p.Return:
		after.Left = time.Time{}
	}
	return after
}

func containsFold(list []string, value string) bool {
	return slices.ContainsFunc(list, func(v string) bool { return strings.EqualFold(v, value) })
}
