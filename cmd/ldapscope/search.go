// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// searchFlags say what is searched.
type searchFlags struct {
	base  string
	scope string
	limit int
	page  uint32
}

var searchScopes = map[string]int{"base": ldap.ScopeBaseObject, "one": ldap.ScopeSingleLevel, "sub": ldap.ScopeWholeSubtree, "children": ldap.ScopeChildren}

func searchCommand(s *surroundings) *cobra.Command {
	var f searchFlags
	cmd := &cobra.Command{
		Use: "search FILTER [ATTRIBUTE...]", Short: "Search a domain and print what it cost",
		Long: `Search a domain, print the entries as LDIF, and below them what the search
cost, operation by operation. Without attributes all are asked for; * means
all, + the operational ones, 1.1 none. With --format ldif stdout has the
entries alone, and the cost is on stderr.

Values of secret attributes, such as userPassword, are not shown.`,
		Example: `  ldapscope search --config ldapscope.yaml "(uid=ada)" cn mail
  ldapscope search --config ldapscope.yaml --base= --scope base objectClass=*
  ldapscope search --config ldapscope.yaml --format json "(mail=*)" | jq .cost`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("%s needs a filter, such as \"(uid=ada)\"", cmd.CommandPath())}
			}
			return nil
		},
	}
	q := newQuestion(cmd, s, "ldif")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request, err := f.request(args)
		if err != nil {
			return err
		}
		return q.ask(cmd, "search", func(ctx context.Context) (answer, error) {
			d, err := q.asked("")
			if err != nil {
				return nil, err
			}
			if !cmd.Flags().Changed("base") {
				request.BaseDN = d.Base()
			}
			return q.search(ctx, d, request, f)
		})
	}
	cmd.Flags().StringVar(&f.base, "base", "", "where to search (default the domain's base)")
	cmd.Flags().StringVar(&f.scope, "scope", "sub", "base, one, sub or children")
	choices(cmd, "scope", "base", "one", "sub", "children")
	cmd.Flags().IntVar(&f.limit, "limit", 0, "stop after so many entries (default all)")
	cmd.Flags().Uint32Var(&f.page, "page", ldapmgr.DefaultPageSize, "entries in one page; 0 asks for all in one answer")
	return cmd
}

// request reads the arguments.
func (f searchFlags) request(args []string) (*ldap.SearchRequest, error) {
	scope, known := searchScopes[f.scope]
	if !known {
		return nil, usageError{fmt.Errorf("unknown scope %q: use base, one, sub or children", f.scope)}
	}
	if f.limit < 0 {
		return nil, usageError{errors.New("--limit must not be negative")}
	}
	filter := args[0]
	if !strings.HasPrefix(filter, "(") {
		filter = "(" + filter + ")" // as ldapsearch takes it
	}
	if _, err := ldap.CompileFilter(filter); err != nil {
		return nil, usageError{fmt.Errorf("%q is no search filter, write it like (uid=ada): %w", args[0], err)}
	}
	return ldap.NewSearchRequest(f.base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, args[1:], nil), nil
}

// found is what a search found. As text the entries are printed while they come, so that memory holds a page of them.
type found struct {
	Domain  string `json:"domain"`
	Count   int    `json:"count"`
	Limited bool   `json:"limited,omitempty"` // there are more
	failed  bool
	Entries []entryJSON `json:"entries"`
}

func (f *found) text(w io.Writer) error {
	more := ""
	switch {
	case f.failed:
		more = " before it failed"
	case f.Limited:
		more = ", and there are more"
	}
	_, err := fmt.Fprintf(w, "# %s in %s%s\n", counted(f.Count, "entry", "entries"), f.Domain, more)
	return err
}

func (q *question) search(ctx context.Context, d *ldapmgr.Domain, request *ldap.SearchRequest, f searchFlags) (answer, error) {
	all := &found{Domain: d.Name(), Entries: []entryJSON{}}
	for e, err := range entries(ctx, d, request, f.page) {
		if err != nil {
			all.failed = true
			return all, err
		}
		if f.limit > 0 && all.Count == f.limit {
			all.Limited = true
			break
		}
		all.Count++
		if q.format == "json" {
			all.Entries = append(all.Entries, entryToJSON(e))
		} else if err := writeLDIF(q.s.stdout, e); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// entries searches page by page, or in one answer where pages have no meaning or are not wanted. Entries that come before
// an error, such as those below a size limit, are yielded too.
func entries(ctx context.Context, d *ldapmgr.Domain, request *ldap.SearchRequest, page uint32) iter.Seq2[ldapmgr.Entry, error] {
	if page > 0 && request.Scope != ldap.ScopeBaseObject {
		return d.Entries(ctx, request, page)
	}
	return func(yield func(ldapmgr.Entry, error) bool) {
		result, err := d.Search(ctx, request)
		if result != nil {
			for _, e := range result.Entries {
				if !yield(ldapmgr.Entry{Entry: e}, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(ldapmgr.Entry{}, err)
		}
	}
}
