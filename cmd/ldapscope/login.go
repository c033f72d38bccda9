// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

func loginCommand(s *surroundings) *cobra.Command {
	cmd := &cobra.Command{
		Use: "login NAME", Short: "Try a login and print what it cost",
		Long: `Log a person in as an application would: by user, user@domain or DOMAIN\user,
with the login and group rules of the configuration. It prints who that is, or
why not, and what the login cost, operation by operation. Nothing is kept.

` + passwordHelp,
		Example: `  ldapscope login --config ldapscope.yaml ada
  ldapscope login --config ldapscope.yaml --domain EXAMPLE ada@example.org
  pass show ada | ldapscope login --config ldapscope.yaml --format json ada`,
		Args: oneName,
	}
	q := newQuestion(cmd, s)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return q.ask(cmd, "login", func(ctx context.Context) (answer, error) {
			password, err := s.password(ctx, "Password of "+printable(args[0])+": ")
			if err != nil {
				return nil, err
			}
			return q.login(ctx, ldapmgr.Credentials{Name: args[0], Password: password})
		})
	}
	return cmd
}

// oneName refuses anything but one login name.
func oneName(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usageError{fmt.Errorf("%s needs a login name, such as ada", cmd.CommandPath())}
	case 1:
		return nil
	}
	return usageError{fmt.Errorf("%s takes one name and nothing else; a password never stands in a command line", cmd.CommandPath())}
}

// loggedIn is how a login ended.
type loggedIn struct {
	Domain  string          `json:"domain"`
	Outcome ldapmgr.Outcome `json:"outcome"`
	Public  string          `json:"public,omitempty"` // what the person may be told
	Why     string          `json:"why,omitempty"`    // what operators should know
	User    *person         `json:"user,omitempty"`
	Policy  *ldapmgr.Policy `json:"policy,omitempty"`
}

func (l *loggedIn) text(w io.Writer) error {
	if l.User == nil {
		return pairs(w, "refused", string(l.Outcome), "because", l.Why, "shown", l.Public)
	}
	fmt.Fprintf(w, "%s may log in to %s\n", printable(l.User.Account), l.Domain)
	expires, grace := "", ""
	if p := l.Policy; p != nil && p.ExpiresIn >= 0 {
		expires = "the password expires in " + (time.Duration(p.ExpiresIn) * time.Second).String()
	}
	if p := l.Policy; p != nil && p.Grace >= 0 {
		grace = fmt.Sprintf("%d logins are left with an expired password", p.Grace)
	}
	if err := pairs(w, "", expires, "", grace); err != nil {
		return err
	}
	return l.User.text(w)
}

func (q *question) login(ctx context.Context, c ldapmgr.Credentials) (answer, error) {
	authenticate := q.manager.Authenticate
	if q.domain != "" {
		d, err := q.asked("")
		if err != nil {
			return nil, err
		}
		authenticate = d.Authenticate
	}
	u, err := authenticate(ctx, c)
	var refused *ldapmgr.LoginError
	if errors.As(err, &refused) {
		return &loggedIn{Domain: refused.Domain, Outcome: refused.Outcome, Public: refused.Public(), Why: reasons(refused)}, err
	}
	if err != nil {
		return nil, err
	}
	return &loggedIn{Domain: u.Domain, Outcome: ldapmgr.OutcomeOK, User: q.person(u), Policy: u.Policy}, nil
}

// reasons says what a server's answer means, and which entries a name could mean.
func reasons(e *ldapmgr.LoginError) string {
	if len(e.DNs) > 0 {
		text := "the name could mean"
		for _, dn := range e.DNs {
			text += " " + dn + ";"
		}
		return text[:len(text)-1]
	}
	if errors.Is(e.Err, ldapmgr.ErrNotFound) {
		return "nobody in " + e.Domain + " has this name"
	}
	if hint := ldapmgr.Hint(e.Err); hint != "" {
		return hint
	}
	if e.Err != nil {
		return ldapmgr.Reason(e.Err)
	}
	return e.Error()
}
