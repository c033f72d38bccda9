// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
	exitHeld   = 3 // the brake of a sync held something back
)

// surroundings are what a command may touch of the process around it.
type surroundings struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	env    map[string]string

	assembled func(*program) // told of a program before it runs, for tests; nil for nobody
}

// usageError is a mistake in how a command was called; it exits with 2.
type usageError struct{ error }

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) int {
	return surround(stdin, stdout, stderr, env).run(ctx, args)
}

func surround(stdin io.Reader, stdout, stderr io.Writer, env []string) *surroundings {
	s := &surroundings{stdin: stdin, stdout: stdout, stderr: stderr, env: map[string]string{}}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		s.env[name] = value
	}
	return s
}

func (s *surroundings) run(ctx context.Context, args []string) int {
	root := rootCommand(s)
	root.SetArgs(args)
	root.SetIn(s.stdin)
	root.SetErr(s.stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitFine
	}
	if nobodyReads(err) {
		return exitFailed
	}
	fmt.Fprintf(s.stderr, "ldapscope: %s\n", said(err))
	var usage usageError
	if errors.As(err, &usage) {
		if command.Name() == "help" {
			command = root // what there is to get help for
		}
		fmt.Fprintf(s.stderr, "Run %s --help to see what there is.\n", command.CommandPath())
		return exitUsage
	}
	var held heldBack
	if errors.As(err, &held) {
		return exitHeld
	}
	return exitFailed
}

// nobodyReads reports whether a command failed because what its stdout goes to has ended, such as head that has read enough. A
// server that is gone fails with the same number, but not by a path.
func nobodyReads(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && failed.Path == os.Stdout.Name() && errors.Is(failed, syscall.EPIPE)
}

// said is an error for a terminal or a log: a server's message in it may hold anything, and Active Directory's ends with a NUL.
func said(err error) string {
	lines := strings.Split(strings.ReplaceAll(err.Error(), "\x00", ""), "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.TrimRight(strings.Join(lines, "\n"), " \n")
}

func rootCommand(s *surroundings) *cobra.Command {
	root := &cobra.Command{
		Use:   "ldapscope",
		Short: "See every LDAP operation an application makes",
		Long: `ldapscope shows every LDAP operation an application makes: live and per HTTP
request, with its filter, its entries, its result and where the time went.
It sends traces to Jaeger or any OTLP backend, and remembers usage after the
process is gone.

Begin with:  ldapscope demo`,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          oneOf,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetUsageTemplate(strings.NewReplacer(".FlagUsages ", ".FlagUsagesWrapped 80 ", "for more information about a command.", "for more about a command.").
		Replace(root.UsageTemplate()))
	root.SetVersionTemplate("{{.Version}}")
	root.Flags().Bool("version", false, "print what the command version does")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{flagMeant(cmd, err)} })
	root.AddCommand(demoCommand(s), serveCommand(s), metricsCommand(s), configCommand(s), urlCommand(s), versionCommand(s),
		searchCommand(s), loginCommand(s), userCommand(s), groupsCommand(s), syncCommand(s), importUsersCommand(s))
	root.SetOut(s.stdout) // where the scripts of completion go
	addHelpers(root)
	return root
}

// flagMeant names the flag that was meant where other programs have one for each format.
func flagMeant(cmd *cobra.Command, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown || cmd.Flags().Lookup("format") == nil || !slices.Contains([]string{"json", "csv", "ldif"}, name) {
		return err
	}
	return fmt.Errorf("%w; did you mean --format %s?", err, name)
}

// choices lets a shell complete the value of a flag.
func choices(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag, or it is registered twice: a mistake in this program
	}
}

// noArguments refuses arguments with a plain sentence.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no arguments, but got %q", cmd.CommandPath(), args[0])}
	}
	return nil
}
