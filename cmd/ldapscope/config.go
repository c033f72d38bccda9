// SPDX-License-Identifier: MIT

package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

//go:embed example.yaml
var exampleConfig string

func configCommand(s *surroundings) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check a configuration file, or print an example", Args: oneOf,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(&cobra.Command{
		Use: "example", Short: "Print a commented configuration file", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(s.stdout, exampleConfig)
			return err
		},
	}, configCheckCommand(s))
	return cmd
}

// configCheck is one run of config check.
type configCheck struct {
	s       *surroundings
	connect bool
	format  string
}

func configCheckCommand(s *surroundings) *cobra.Command {
	check := configCheck{s: s}
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Say what a configuration file means, or what is wrong with it",
		Long: `Say everything that is wrong with a configuration file, each with its line and
what to write in its place. Without a mistake, print every setting that holds
and where it comes from (a line, defaults, a preset, the environment, or the
built-in default), and warnings with the codes that silence them. Passwords are
hidden.

No server is asked, unless --connect is given. Then each server is tried by
itself, and the exit code is 1 if there is no connection to one of them;
everything is printed all the same.

With - for FILE it reads stdin:

  ldapscope config example | ldapscope config check -`,
		Example: `  ldapscope config check ldapscope.yaml
  ldapscope config check --connect ldapscope.yaml
  ldapscope config check --format json ldapscope.yaml | jq .warnings`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("config check needs one file")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if check.format != "table" && check.format != "json" {
				return usageError{fmt.Errorf("unknown format %q: use table or json", check.format)}
			}
			return check.run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&check.connect, "connect", false, "connect to every server once, for what only a server can tell: its certificate, and further warnings")
	cmd.Flags().StringVar(&check.format, "format", "table", "table or json")
	choices(cmd, "format", "table", "json")
	return cmd
}

// warned is one warning of config check.
type warned struct {
	Domain string `json:"domain"` // "" for what concerns no one of them
	Code   string `json:"code"`
	Text   string `json:"text"`
}

// checkedFile is the answer for programs. Without errors there are settings.
type checkedFile struct {
	File     string      `json:"file"`
	Settings []explained `json:"settings"`
	Servers  []reached   `json:"servers"`
	Warnings []warned    `json:"warnings"`
	Errors   []string    `json:"errors,omitempty"`
}

func (c configCheck) run(ctx context.Context, path string) error {
	file, err := readConfig(path, c.s.stdin)
	if err != nil {
		if c.format == "json" {
			wrong := checkedFile{File: path, Settings: []explained{}, Servers: []reached{}, Warnings: []warned{}, Errors: strings.Split(said(err), "\n")}
			return cmp.Or(writeJSON(c.s.stdout, wrong), err)
		}
		return err
	}
	warnings, servers, err := c.learn(ctx, file)
	if err != nil {
		return err
	}
	if c.format == "json" {
		err := writeJSON(c.s.stdout, checkedFile{File: file.path, Settings: file.explain(), Servers: servers, Warnings: warnings})
		return cmp.Or(err, connected(servers, warnings))
	}
	domains := "1 domain"
	if n := len(file.manager.Domains); n != 1 {
		domains = fmt.Sprintf("%d domains", n)
	}
	unreached, verdict := connected(servers, warnings), "is fine"
	var missing missingConnections
	if errors.As(unreached, &missing) {
		verdict = "has no mistakes, but not every " + missing.what() + " answers"
	}
	fmt.Fprintf(c.s.stdout, "%s %s: %s\n", file.path, verdict, domains)
	return cmp.Or(c.print(file.explain(), servers, warnings), unreached)
}

// learn asks a manager of its own, which has no connection unless --connect is given.
func (c configCheck) learn(ctx context.Context, file *fileConfig) ([]warned, []reached, error) {
	all := []warned{}
	config := file.manager
	config.Scope, config.Logger, config.Preload = instrument.New(), slog.New(slog.DiscardHandler), nil
	manager, err := ldapmgr.New(config)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), unbindBudget)
		defer cancel()
		_ = manager.Close(ending) // a server that does not answer must not keep the program
	}()
	servers := []reached{}
	if c.connect {
		servers, all = connect(ctx, manager)
	}
	for _, d := range manager.Domains() {
		for _, w := range d.Warnings() {
			all = append(all, warned{d.Name(), w.Code, w.Text})
		}
	}
	stored, err := storedUsers(ctx, usersDatabase("", file.usersDatabase, c.s.env))
	if err != nil {
		return nil, nil, err
	}
	for _, w := range manager.UnknownDomains(stored) {
		all = append(all, warned{"", w.Code, w.Text})
	}
	return all, servers, nil
}

// print writes one block for the program, one for each domain and one for each server that was tried, the warnings last, where they are seen.
func (c configCheck) print(settings []explained, servers []reached, warnings []warned) error {
	if err := printSettings(c.s.stdout, settings); err != nil {
		return err
	}
	if err := printServers(c.s.stdout, servers); err != nil {
		return err
	}
	if len(warnings) > 0 {
		fmt.Fprintln(c.s.stdout, "\nwarnings (silence: [CODE] in a domain hides one)")
	}
	for _, warning := range warnings {
		fmt.Fprintf(c.s.stdout, "  %s\n", strings.TrimSpace(fmt.Sprintf("%s %s: %s", warning.Domain, warning.Code, warning.Text)))
	}
	return nil
}
