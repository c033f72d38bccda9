// SPDX-License-Identifier: MIT

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/metricsdb"
)

func serveCommand(s *surroundings) *cobra.Command {
	var flags serverFlags
	var config, appListen string
	cmd := &cobra.Command{
		Use: "serve --config FILE", Short: "Run the panel on configured domains", Args: noArguments,
		Long: `Run the manager for the domains of a configuration file, and the panel that
shows them. With --app the web app of the demo is served too, on the first
configured domain. ldapscope config example prints a file to start from.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" {
				return usageError{errors.New("serve needs --config FILE; ldapscope config example prints one to start from")}
			}
			c, err := readConfig(config, s.stdin)
			if err != nil {
				return err
			}
			ctx, stop := metricsdb.UntilSignal(cmd.Context())
			defer stop()
			set, err := flags.fromFile(cmd, s, c)
			if err != nil {
				return err
			}
			if appListen != "" {
				if set.appOn, err = listen(ctx, "app", appListen, true); err != nil {
					return err
				}
				set.appDomain = c.appDomain()
			}
			p, err := assemble(ctx, s, set)
			if err != nil {
				return err
			}
			return p.run(ctx)
		},
	}
	flags.add(cmd, s)
	cmd.Flags().StringVar(&config, "config", "", "configuration file (YAML)")
	cmd.Flags().StringVar(&appListen, "app", "", "address on which to serve the demo's web app, such as 127.0.0.1:8390")
	return cmd
}

// fromFile merges the file with the flags; a flag that was given wins.
func (f *serverFlags) fromFile(cmd *cobra.Command, s *surroundings, c *fileConfig) (settings, error) {
	if c.database != "" && !cmd.Flags().Changed("db") {
		f.database = c.database
	}
	if c.logLevel != "" && f.log == "" {
		f.log = c.logLevel
	}
	set, err := f.settings(cmd, s, "serve", c.panel.listen, c.panel.tokenFile, c.panel.hosts)
	set.manager, set.recorder, set.prefix, set.usersDatabase = c.manager, c.recorder, c.panel.prefix, c.usersDatabase
	return set, err
}

// appDomain is the default domain, or the first in the file.
func (c *fileConfig) appDomain() string {
	if c.manager.Default != "" {
		return c.manager.Default
	}
	return c.first
}
