// SPDX-License-Identifier: MIT

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

func userCommand(s *surroundings) *cobra.Command {
	cmd := &cobra.Command{
		Use: "user NAME [ATTRIBUTE...]", Short: "Show a person of a domain and print what it cost",
		Long: `Find a person by login name, with the service account and without a password,
and print the entry, the local fields that the configuration makes of it, and
the groups; below, what that cost, operation by operation. Attributes that the
configuration does not load can be named; * means all of them. Those that are
not in the answer are named below it.`,
		Example: `  ldapscope user --config ldapscope.yaml ada
  ldapscope user --config ldapscope.yaml 'EXAMPLE\ada' whenCreated
  ldapscope user --config ldapscope.yaml --format json ada '*'`,
		Args: func(cmd *cobra.Command, args []string) error { return oneName(cmd, args[:min(len(args), 1)]) },
	}
	q := newQuestion(cmd, s)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return q.ask(cmd, "user", func(ctx context.Context) (answer, error) {
			d, err := q.asked(args[0])
			if err != nil {
				return nil, err
			}
			u, err := d.User(ctx, args[0])
			if err != nil {
				return nil, named(err, args[0])
			}
			p := q.person(u)
			if len(args) > 1 {
				whole, err := d.Read(ctx, u.DN, args[1:]...)
				if err != nil {
					return p, err
				}
				p.Attributes = entryToJSON(ldapmgr.Entry{Entry: whole}).Attributes
				p.Missing = missing(args[1:], p.Attributes)
			}
			return p, nil
		})
	}
	return cmd
}

// named says who was not found. The library's errors do not, because they get into logs.
func named(err error, name string) error {
	if errors.Is(err, ldapmgr.ErrNotFound) {
		return fmt.Errorf("%w: nobody is called %q", err, name)
	}
	return err
}

// missing returns the names among those asked for that no attribute has, options aside. What is no name, such as * or an OID, may
// stand for any.
func missing(asked []string, all []attributeJSON) (names []string) {
	base := func(name string) string {
		name, _, _ = strings.Cut(name, ";")
		return name
	}
	for _, name := range asked {
		if name == "" || strings.ContainsAny(name[:1], "*+@0123456789") {
			continue
		}
		if !slices.ContainsFunc(all, func(a attributeJSON) bool { return strings.EqualFold(base(a.Name), base(name)) }) {
			names = append(names, name)
		}
	}
	return names
}

// person is a user of a directory, for people and for programs.
type person struct {
	Domain     string             `json:"domain"`
	Account    string             `json:"account"`
	DN         string             `json:"dn"`
	Key        string             `json:"key"`
	Fields     map[string]*string `json:"fields,omitempty"` // null for one without a value
	Attributes []attributeJSON    `json:"attributes"`
	Missing    []string           `json:"missing,omitempty"` // asked for by name and not in the answer
	Groups     []groupJSON        `json:"groups"`
	Partial    bool               `json:"partial,omitempty"` // not all groups could be looked for
}

type groupJSON struct {
	Name string `json:"name,omitempty"`
	DN   string `json:"dn,omitempty"`
	SID  string `json:"sid,omitempty"`
	GUID string `json:"guid,omitempty"`
}

func (q *question) person(u *ldapmgr.User) *person {
	p := &person{Domain: u.Domain, Account: u.Account, DN: u.DN, Key: u.Key, Attributes: entryToJSON(u.Entry).Attributes, Groups: groupsToJSON(u.Groups), Partial: u.Groups.Partial()}
	if d, err := q.manager.Domain(u.Domain); err == nil {
		p.Fields, _ = d.Fields(u) // a required field that is missing is seen to be
	}
	return p
}

func groupsToJSON(set ldapmgr.GroupSet) []groupJSON {
	all := []groupJSON{}
	for _, g := range set.All() {
		all = append(all, groupJSON{g.Name, g.DN, g.SID, g.GUID})
	}
	slices.SortFunc(all, func(a, b groupJSON) int {
		return strings.Compare(strings.ToLower(a.Name+a.DN), strings.ToLower(b.Name+b.DN))
	})
	return all
}

func (p *person) text(w io.Writer) error {
	if err := pairs(w, "domain", p.Domain, "account", p.Account, "entry", p.DN, "key", p.Key); err != nil {
		return err
	}
	lines := table{}
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		value := "(none)"
		if v := p.Fields[name]; v != nil {
			value = *v
		}
		lines = append(lines, []string{"  " + name, printable(value)})
	}
	if err := titled(w, "fields", lines); err != nil {
		return err
	}
	lines = table{}
	for _, a := range p.Attributes {
		value := strings.Join(a.Values, "; ")
		if a.Encoding == "hidden" {
			value = "(not shown)"
		}
		lines = append(lines, []string{"  " + printable(a.Name), printable(value)})
	}
	if err := titled(w, "attributes", lines); err != nil {
		return err
	}
	if err := pairs(w, "not in the answer", strings.Join(p.Missing, ", ")); err != nil {
		return err
	}
	return writeGroups(w, p.Groups, p.Partial)
}

// writeGroups lists groups by name.
func writeGroups(w io.Writer, groups []groupJSON, partial bool) error {
	if len(groups) == 0 {
		fmt.Fprintln(w, "in no group")
	}
	lines := table{}
	for _, g := range groups {
		lines = append(lines, []string{"  " + printable(cmp.Or(g.Name, "(not read)")), printable(cmp.Or(g.DN, g.SID, g.GUID))})
	}
	if err := titled(w, "groups", lines); err != nil {
		return err
	}
	if partial {
		fmt.Fprintln(w, "  a part of the tree could not be searched; there may be more")
	}
	return nil
}

// titled writes lines below a word, or nothing where there are none.
func titled(w io.Writer, title string, lines table) error {
	if len(lines) == 0 {
		return nil
	}
	fmt.Fprintln(w, title)
	return lines.folded().print(w)
}

// pairs writes words and what they mean; those without a meaning are left out.
func pairs(w io.Writer, all ...string) error {
	lines := table{}
	for i := 0; i+1 < len(all); i += 2 {
		if all[i+1] != "" {
			lines = append(lines, []string{all[i], printable(all[i+1])})
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return lines.folded().print(w)
}
