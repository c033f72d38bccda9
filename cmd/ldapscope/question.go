// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// question is what the commands that ask a domain have in common: a configuration, a domain in it, and an answer that is
// printed with what it cost.
type question struct {
	s      *surroundings
	config string
	domain string
	format string

	formats []string
	file    *fileConfig
	scope   *instrument.Scope
	manager *ldapmgr.Manager
}

// answer is what a domain said, as text for people; its JSON is for programs.
type answer interface {
	text(w io.Writer) error
}

func newQuestion(cmd *cobra.Command, s *surroundings, more ...string) *question {
	q := &question{s: s, formats: append([]string{"table", "json"}, more...)}
	cmd.Flags().StringVar(&q.config, "config", "", "configuration file (YAML); ldapscope config example prints one")
	cmd.Flags().StringVar(&q.domain, "domain", "", "domain to ask (default by the name, or the default of the file)")
	cmd.Flags().StringVar(&q.format, "format", "table", strings.Join(q.formats, " or "))
	choices(cmd, "format", q.formats...)
	_ = cmd.MarkFlagFilename("config", "yaml", "yml") // the flag is there
	return q
}

// ask reads the configuration, asks, takes leave of the servers, and prints the answer and its cost. An answer that comes
// with an error is printed too.
func (q *question) ask(cmd *cobra.Command, job string, put func(ctx context.Context) (answer, error)) error {
	if !slices.Contains(q.formats, q.format) {
		return usageError{fmt.Errorf("unknown format %q: use %s", q.format, strings.Join(q.formats, " or "))}
	}
	if q.config == "" {
		return usageError{fmt.Errorf("%s needs --config FILE; ldapscope config example prints one to start from", cmd.CommandPath())}
	}
	ctx, stop := metricsdb.UntilSignal(cmd.Context())
	defer stop()
	if err := q.open(); err != nil {
		return err
	}
	start := time.Now()
	inside, end := q.scope.Job(ctx, job)
	a, err := put(inside)
	end()
	took := time.Since(start)
	q.close()
	var usage usageError
	if errors.As(err, &usage) {
		return err
	}
	unprinted := q.print(a, err, costOf(q.scope, took))
	if err != nil && nobodyReads(unprinted) {
		unprinted = nil // what else is wrong is not passed over with it
	}
	return errors.Join(err, unprinted)
}

func (q *question) open() (err error) {
	if q.file, err = readConfig(q.config, q.s.stdin); err != nil {
		return err
	}
	level := q.file.logLevel
	if level == "" {
		level = "error" // what goes wrong is the answer already
	}
	logger, err := logTo(q.s.stderr, level)
	if err != nil {
		return err
	}
	q.scope = instrument.New(instrument.WithPolicy(instrument.Policy{Level: q.file.recorder.level}))
	config := q.file.manager
	config.Scope, config.Logger = q.scope, logger
	q.manager, err = ldapmgr.New(config)
	return err
}

// close takes leave of the servers, so that the last operation is counted too.
func (q *question) close() {
	ctx, cancel := context.WithTimeout(context.Background(), unbindBudget)
	defer cancel()
	_ = q.manager.Close(ctx) // a server that does not answer must not keep the answer
}

// asked is the domain of --domain, or the one that a login name means.
func (q *question) asked(name string) (*ldapmgr.Domain, error) {
	var d *ldapmgr.Domain
	var err error
	if q.domain != "" || name == "" {
		d, err = q.manager.Domain(q.domain)
	} else {
		d, err = q.manager.DomainOf(name)
	}
	if errors.Is(err, ldapmgr.ErrUnknownDomain) {
		return nil, usageError{fmt.Errorf("%w; choose one with --domain", err)}
	}
	return d, err
}

func (q *question) print(a answer, failure error, c cost) error {
	if q.format == "json" {
		said := struct {
			Answer answer `json:"answer"`
			Error  string `json:"error,omitempty"`
			Cost   cost   `json:"cost"`
		}{Answer: a, Cost: c}
		if failure != nil {
			said.Error = failure.Error()
		}
		return writeJSON(q.s.stdout, said)
	}
	if q.format != "table" {
		return c.print(q.s.stderr)
	}
	if a != nil {
		if err := a.text(q.s.stdout); err != nil {
			return err
		}
		fmt.Fprintln(q.s.stdout)
	}
	return c.print(q.s.stdout)
}
