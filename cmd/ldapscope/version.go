// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what the binary knows about itself.
type build struct{ version, commit, sqlite string }

func buildInfo() build {
	b := build{version: "development", commit: "unknown", sqlite: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.commit = s.Value[:min(len(s.Value), 12)]
		}
	}
	for _, d := range info.Deps {
		if d.Path == "modernc.org/sqlite" {
			b.sqlite = d.Version
		}
	}
	return b
}

func versionText() string {
	b := buildInfo()
	return fmt.Sprintf("ldapscope %s\ncommit    %s\ngo        %s %s/%s\nsqlite    modernc.org/sqlite %s\n",
		b.version, b.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, b.sqlite)
}

func versionCommand(s *surroundings) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print version, commit, Go and SQLite driver", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(s.stdout, versionText())
			return err
		},
	}
}
