// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ldapscope/ldapscope/cmd/ldapscope/app"
	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// serverFlags are the flags of demo and serve.
type serverFlags struct {
	listen   string
	token    string
	database string
	log      string
	replay   bool
}

func (f *serverFlags) add(cmd *cobra.Command, s *surroundings) {
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8389", "address of the panel")
	cmd.Flags().StringVar(&f.token, "token", "", "token of the panel (default LDAPSCOPE_TOKEN, or a new one)")
	cmd.Flags().StringVar(&f.database, "db", defaultDatabase(s.env), "database that keeps usage")
	cmd.Flags().StringVar(&f.log, "log", "", "least level that is logged: debug, info, warn or error (default warn)")
	choices(cmd, "log", "debug", "info", "warn", "error")
	cmd.Flags().BoolVar(&f.replay, "replay", false, "let the panel ask recorded searches and compares again")
}

// demoPeople is the size of the demo's company.
const demoPeople = 400

func demoCommand(s *surroundings) *cobra.Command {
	var flags serverFlags
	var appListen, directoryListen string
	var quiet bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Run a directory, a web app and the live panel", Args: noArguments,
		Long: `Run, with nothing to configure, an in-memory directory that behaves like
Active Directory, a small web app that uses it (login, profile, people,
computers, groups), and the live panel that shows every LDAP operation the app
makes. Everything listens on this machine only, unless an address says
otherwise. End it with Ctrl-C; its usage is then saved.

  ldapscope demo            with gentle traffic, to have something to see
  ldapscope demo --quiet    only what you do yourself`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := metricsdb.UntilSignal(cmd.Context())
			defer stop()
			directoryOn, err := listen(ctx, "directory-listen", directoryListen, cmd.Flags().Changed("directory-listen"))
			if err != nil {
				return err
			}
			set, err := flags.settings(cmd, s, "demo", "", "", nil)
			if err != nil {
				return err
			}
			if set.appOn, err = listen(ctx, "app-listen", appListen, cmd.Flags().Changed("app-listen")); err != nil {
				return err
			}
			return runDemo(ctx, s, set, directoryOn, !quiet)
		},
	}
	flags.add(cmd, s)
	cmd.Flags().StringVar(&appListen, "app-listen", "127.0.0.1:8390", "address of the web app")
	cmd.Flags().StringVar(&directoryListen, "directory-listen", "127.0.0.1:3890", "address of the directory")
	cmd.Flags().BoolVar(&quiet, "quiet", false, "make no traffic of its own")
	return cmd
}

// settings opens the panel's port and reads what the flags say.
func (f *serverFlags) settings(cmd *cobra.Command, s *surroundings, name, listenOn, tokenFile string, hosts []string) (settings, error) {
	asked := cmd.Flags().Changed("listen")
	if !asked && listenOn != "" {
		f.listen, asked = listenOn, true
	}
	logger, err := logTo(s.stderr, f.log)
	if err != nil {
		return settings{}, err
	}
	token, err := chooseToken(f.token, tokenFile, s.env)
	if err != nil {
		return settings{}, err
	}
	on, err := listen(cmd.Context(), "listen", f.listen, asked)
	if err != nil {
		return settings{}, err
	}
	return settings{
		name: name, database: f.database, token: token, hosts: hosts, logger: logger, panelOn: on, replay: f.replay,
		recorder: recorderConfig{level: instrument.LevelValues},
	}, nil
}

// runDemo runs the directory around the program, so that it outlives the last unbind.
func runDemo(ctx context.Context, s *surroundings, set settings, directoryOn net.Listener, traffic bool) error {
	directory, err := ldaptest.New(ldaptest.Config{
		Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(demoPeople)), Latency: demoLatency,
	})
	if err != nil {
		return err
	}
	writable := false
	set.appDomain, set.usersDatabase = "EXAMPLE", inMemory
	set.manager = ldapmgr.Config{
		Default: "EXAMPLE",
		Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": {
			Aliases: []string{"example.org"}, Servers: []string{"ldap://" + openable(directoryOn)}, Base: ldaptest.DefaultSuffix,
			Bind:     ldapmgr.Bind{Name: ldaptest.CompanyService, Password: ldapmgr.Secret{Value: ldaptest.CompanyServicePassword}},
			ReadOnly: &writable, Silence: []string{"secret_in_config"}, // the password is on the app's login page
			Login: demoLogin, Users: demoUsers, Sync: demoSync,
		}},
	}
	set.lines = []string{fmt.Sprintf("ldapscope: directory at ldap://%s as %s", openable(directoryOn), ldaptest.CompanyService)}
	p, err := assemble(ctx, s, set)
	if err != nil {
		return err
	}
	s.warnExposed("directory", directoryOn, "; its passwords are public")
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var group errgroup.Group
	group.Go(func() error { return directory.Serve(serving, directoryOn) })
	group.Go(func() error {
		defer end()
		inner, ctx := errgroup.WithContext(ctx)
		inner.Go(func() error { return p.run(ctx) })
		if traffic {
			inner.Go(func() error { return app.Traffic(ctx, "http://"+openable(set.appOn)) })
		}
		return inner.Wait()
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// demoLatency makes the directory as quick as one in the next building, but for the search that is meant to be slow.
func demoLatency(r ldaptest.Request) time.Duration {
	switch {
	case r.Op == wire.SearchRequest && strings.Contains(r.Filter, "description=*"):
		return 1200 * time.Millisecond
	case r.Op == wire.BindRequest:
		return 3 * time.Millisecond
	case r.Op == wire.SearchRequest:
		return time.Duration(len(r.Filter)%5+1) * time.Millisecond
	}
	return 2 * time.Millisecond
}
