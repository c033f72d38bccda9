// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

func importUsersCommand(s *surroundings) *cobra.Command {
	var database string
	var apply bool
	cmd := &cobra.Command{
		Use: "import-users", Short: "Link existing local accounts to the people of a domain",
		Long: `Find for each local account that belongs to no directory the person of a domain
that it is: by sync.query_field, or by the name that a new account would have.
Without --apply it only says what it would do. With it the links are written in
one transaction; nothing else changes before the next sync.

An account is left alone where nobody or several people have its name, or where
its person has another local account.`,
		Example: `  ldapscope import-users --config ldapscope.yaml --domain EXAMPLE
  ldapscope import-users --config ldapscope.yaml --domain EXAMPLE --apply`,
		Args: noArguments,
	}
	q := newQuestion(cmd, s)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return q.ask(cmd, "import users", func(ctx context.Context) (answer, error) {
			d, err := q.asked("")
			if err != nil {
				return nil, err
			}
			return q.withSyncer(ctx, database, func(syncer *ldapmgr.Syncer) (answer, error) {
				links, err := syncer.Link(ctx, d.Name(), apply)
				if err != nil {
					return nil, err
				}
				return &linked{links}, nil
			})
		})
	}
	cmd.Flags().BoolVar(&apply, "apply", false, "write the links; default they are only shown")
	usersFlag(cmd, &database)
	return cmd
}

// linked is what became of the accounts of no directory.
type linked struct{ *ldapmgr.Links }

func (l *linked) text(w io.Writer) error {
	lines := table{{"ACCOUNT", "RESULT", "PERSON"}}
	for _, a := range l.Accounts[:min(len(l.Accounts), mostPlans)] {
		lines = append(lines, []string{cut(printable(a.Name), mostName), string(a.Status), printable(strings.Join(a.DNs, "; "))})
	}
	if len(lines) > 1 {
		if err := lines.folded().print(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if n := len(l.Accounts) - mostPlans; n > 0 {
		fmt.Fprintf(w, "and %d more; --format json has all of them\n", n)
	}
	verb, advice := "would be", " by --apply"
	if l.Applied {
		verb, advice = "were", ""
	}
	_, err := fmt.Fprintf(w, "%d of %d accounts %s linked%s (%s in %s)\n", l.Linked, len(l.Accounts), verb, advice, counted(l.People, "person", "people"), l.Domain)
	return err
}
