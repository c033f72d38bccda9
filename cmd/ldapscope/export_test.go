// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Main is the program as a test binary runs it in a process of its own.
var Main = main

// ExportHint is what the domains page says of a failed export.
var ExportHint = exportHint

// SpanProcessor collects spans for an exporter.
var SpanProcessor = spanProcessor

// Assembled is what a test may reach of a program beside its ports: to watch its spans, and to use its manager as code in
// the same process would.
type Assembled struct {
	Tracers *trace.TracerProvider
	Domains *ldapmgr.Manager
}

// Commands lists every command, such as "ldapscope metrics list".
func Commands() (all []string) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c.CommandPath())
		for _, below := range c.Commands() {
			walk(below)
		}
	}
	walk(rootCommand(surround(nil, nil, nil, nil)))
	return all
}

// Run runs one command line in this process. assembled may be nil.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string, assembled func(Assembled)) int {
	s := surround(stdin, stdout, stderr, env)
	if assembled != nil {
		s.assembled = func(p *program) { assembled(Assembled{p.telemetry.tracers, p.domains}) }
	}
	return s.run(ctx, args)
}
