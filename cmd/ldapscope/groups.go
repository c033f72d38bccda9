// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// errNoMatch ends groups --query when the person does not match.
var errNoMatch = errors.New("the groups do not match the query")

func groupsCommand(s *surroundings) *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use: "groups NAME", Short: "List the groups of a person and print what it cost",
		Long: `Find the groups of a person the way the configuration says, nested ones where
it says so, and print what that cost, operation by operation. With --query it
tells whether they match, part by part, and exits with 1 when they do not.`,
		Example: `  ldapscope groups --config ldapscope.yaml ada
  ldapscope groups --config ldapscope.yaml --query 'staff and not guests' ada`,
		Args: oneName,
	}
	q := newQuestion(cmd, s)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		query, err := groupQuery(cmd, text)
		if err != nil {
			return err
		}
		return q.ask(cmd, "groups", func(ctx context.Context) (answer, error) {
			d, err := q.asked(args[0])
			if err != nil {
				return nil, err
			}
			u, err := d.User(ctx, args[0])
			if err != nil {
				return nil, named(err, args[0])
			}
			a := &memberOf{Domain: u.Domain, Account: u.Account, DN: u.DN, Groups: groupsToJSON(u.Groups), Partial: u.Groups.Partial()}
			if query.IsZero() {
				return a, nil
			}
			why := query.Explain(u.Groups)
			if a.Query = &why; !why.Match {
				return a, errNoMatch
			}
			return a, nil
		})
	}
	cmd.Flags().StringVar(&text, "query", "", `whether the groups match, such as 'staff and not ("Read Only" or guests)'`)
	return cmd
}

// groupQuery reads --query, and returns the zero query where it is not given. An empty one asks nothing, so that it could
// only be taken for a match; it usually is a variable that a shell does not know.
func groupQuery(cmd *cobra.Command, text string) (query ldapmgr.GroupQuery, err error) {
	if !cmd.Flags().Changed("query") {
		return query, nil
	}
	if strings.TrimSpace(text) == "" {
		return query, usageError{errors.New("--query is empty: write a condition, such as 'staff and not guests', or leave it out")}
	}
	if query, err = ldapmgr.ParseGroupQuery(text); err != nil {
		return query, usageError{fmt.Errorf("--query cannot be read: %w", err)}
	}
	return query, nil
}

// memberOf is the groups of a person.
type memberOf struct {
	Domain  string               `json:"domain"`
	Account string               `json:"account"`
	DN      string               `json:"dn"`
	Groups  []groupJSON          `json:"groups"`
	Partial bool                 `json:"partial,omitempty"`
	Query   *ldapmgr.Explanation `json:"query,omitempty"`
}

func (m *memberOf) text(w io.Writer) error {
	if err := pairs(w, "account", m.Account, "entry", m.DN); err != nil {
		return err
	}
	if err := writeGroups(w, m.Groups, m.Partial); err != nil {
		return err
	}
	if m.Query == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "query\n%s\n", m.Query)
	return err
}
