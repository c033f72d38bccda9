// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/panel/query"
)

// addHelpers adds the commands that cobra has for every program, help and completion, and makes them refuse what there is not and
// fit the screen, as our own do.
func addHelpers(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	child(root, "help").Args = topic
	completion := child(root, "completion")
	completion.Args, completion.RunE = oneOf, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, shell := range completion.Commands() {
		shell.Args = noArguments
		var lines []string
		for line := range strings.SplitSeq(strings.ReplaceAll(shell.Long, "\t", "  "), "\n") {
			lines = append(lines, fold(line, screen)...)
		}
		shell.Long = strings.Join(lines, "\n")
	}
}

// child returns a command below another one, or nil.
func child(of *cobra.Command, name string) *cobra.Command {
	all := of.Commands()
	if i := slices.IndexFunc(all, func(c *cobra.Command) bool { return c.Name() == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// topic refuses what help cannot tell of.
func topic(cmd *cobra.Command, args []string) error {
	at := cmd.Root()
	for _, name := range args {
		below := child(at, name)
		if below == nil {
			return oneOf(at, []string{name})
		}
		at = below
	}
	return nil
}

// oneOf refuses what is no command of a group, and names the one that may have been meant, or all.
func oneOf(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	problem := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	var known []string
	for _, c := range cmd.Commands() {
		known = append(known, c.Name())
	}
	if closest := query.Closest(args[0], known); closest != "" {
		problem += "; did you mean " + closest + "?"
	} else if last := len(known) - 1; last > 0 {
		problem += "; there are " + strings.Join(known[:last], ", ") + " and " + known[last]
	}
	return usageError{errors.New(problem)}
}
