// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ldapscope/ldapscope/cmd/ldapscope/app"
	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/metricsdb"
	"github.com/ldapscope/ldapscope/panel"
)

// settings are what demo and serve have in common once flags and files are read.
type settings struct {
	name      string // demo or serve
	manager   ldapmgr.Config
	recorder  recorderConfig
	database  string
	token     string
	hosts     []string
	prefix    string
	replay    bool // recorded questions may be asked again
	logger    *slog.Logger
	panelOn   net.Listener
	appOn     net.Listener // nil without the web app
	appDomain string
	lines     []string // further lines of the start, below the panel's and the app's

	usersDatabase string // of local accounts; "" for the one of every command
}

// program is a running demo or serve: everything it started, in the order in which it ends.
type program struct {
	settings
	s         *surroundings
	telemetry *telemetry
	scope     *instrument.Scope
	domains   *ldapmgr.Manager
	spool     *metricsdb.Spool // nil when the folder cannot be written
	db        *metricsdb.DB    // nil when the database cannot be opened
	kept      *keptOperations  // nil when either is
	panel     *panel.Panel
	app       *app.App
	accounts  *accounts       // nil where nothing keeps local accounts
	syncer    *ldapmgr.Syncer // the same
}

// The time that the end of the program may take. Disk comes before network.
const (
	unbindBudget    = 300 * time.Millisecond
	telemetryBudget = time.Second
	httpBudget      = 300 * time.Millisecond
)

// assemble builds the program. It starts nothing.
func assemble(ctx context.Context, s *surroundings, set settings) (*program, error) {
	p := &program{settings: set, s: s}
	var err error
	if p.telemetry, err = setUpTelemetry(ctx, s.env); err != nil {
		return nil, err
	}
	p.scope = instrument.New(
		instrument.WithTracerProvider(p.telemetry.tracers), instrument.WithMeterProvider(p.telemetry.meters),
		instrument.WithPolicy(instrument.Policy{Level: set.recorder.level}),
		instrument.WithRecorderLimits(instrument.Limits{Operations: set.recorder.operations, Bytes: set.recorder.bytes}),
	)
	set.manager.Scope, set.manager.Logger = p.scope, set.logger
	if p.domains, err = ldapmgr.New(set.manager); err != nil {
		return nil, err
	}
	if err := p.openAccounts(ctx); err != nil {
		return nil, err
	}
	p.openHistory(ctx)
	config := panel.Config{
		Scope: p.scope, Domains: p.domains, Export: p.telemetry.state.state, Metrics: p.telemetry.scrape, Token: set.token, Hosts: set.hosts,
		Prefix: set.prefix, JaegerURL: s.env["JAEGER_UI_URL"], Version: buildInfo().version, Logger: set.logger,
	}
	if p.db != nil {
		saved := history{db: p.db}
		if p.kept != nil {
			saved.run = p.kept.run
		}
		config.History = saved
	}
	if set.replay {
		config.Replay = p.domains
	}
	if p.accounts != nil {
		config.Users = people{p.accounts, p.syncer, p.domains}
	}
	p.panel = panel.New(config)
	if set.appOn != nil {
		p.app, err = app.New(app.Config{Scope: p.scope, Domains: p.domains, Domain: set.appDomain, Syncer: p.syncer, Panel: p.panel, Tracers: p.telemetry.tracers, Meters: p.telemetry.meters})
	}
	if err != nil {
		p.discard()
		return nil, err
	}
	if s.assembled != nil {
		s.assembled(p)
	}
	return p, nil
}

// discard closes what was opened for a program that will not run, so that it leaves no run behind.
func (p *program) discard() {
	if p.spool != nil {
		_, _ = p.spool.Finish(nil, 0) // without a domain there is nothing to keep
	}
	if p.db != nil {
		_ = p.db.Close()
	}
	if p.accounts != nil {
		_ = p.accounts.close()
	}
	p.telemetry.flush(context.Background(), telemetryBudget)
}

// openHistory prepares the saving of usage. What cannot be written is said once; the program goes on.
func (p *program) openHistory(ctx context.Context) {
	config := metricsdb.Config{Path: p.database, Logger: p.logger}
	var closed, err error
	if p.db, closed = metricsdb.Open(ctx, config); closed != nil {
		p.db, config.Logger = nil, nil // the spool would say the same again
	}
	run := metricsdb.NewRun("ldapscope "+p.name, buildInfo().version)
	p.spool, err = metricsdb.NewSpool(config, run)
	if p.db != nil && err == nil {
		p.kept = keepOperations(p.scope.Recorder(), p.db, run.ID, p.saves)
	}
	switch {
	case err != nil:
		fmt.Fprintf(p.s.stderr, "ldapscope: usage will not be saved: %v\n", err)
		p.spool = nil
	case closed != nil:
		fmt.Fprintf(p.s.stderr, "ldapscope: saved usage cannot be shown, and this run stays in its spool: %v\n", closed)
	}
}

// run serves until ctx ends or something fails, then ends in order: counters and spool, connections, database, telemetry.
func (p *program) run(ctx context.Context) error {
	base := "http://" + openable(p.panelOn) + p.prefix
	link := p.panel.Link(base)
	remove, err := announce(p.s.env, link)
	if err != nil {
		p.logger.Warn("ldapscope url will not find this panel", slog.Any("cause", err))
	}
	defer remove()
	p.s.warnExposed("panel", p.panelOn, "; it answers loopback addresses alone")
	fmt.Fprintf(p.s.stdout, "ldapscope: panel at %s\n", link)
	if p.app != nil {
		p.s.warnExposed("app", p.appOn, "")
		fmt.Fprintf(p.s.stdout, "ldapscope: app at http://%s/\n", openable(p.appOn))
	}
	for _, line := range p.lines {
		fmt.Fprintln(p.s.stdout, line)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.panel.Run(ctx) })
	group.Go(func() error { return serveHTTP(ctx, p.panelOn, p.panel) })
	if p.app != nil {
		group.Go(func() error { return serveHTTP(ctx, p.appOn, p.app) })
	}
	group.Go(func() error { return p.preload(ctx) })
	group.Go(func() error { return p.syncPeople(ctx) })
	if p.kept != nil {
		group.Go(func() error { p.kept.loop(ctx); return nil })
	}
	saving := make(chan struct{})
	go func() { // ends with ctx; finish waits for it
		defer close(saving)
		if p.spool != nil {
			_ = p.spool.Run(ctx, p.usage) // Finish tells what could not be written
		}
	}()
	err = group.Wait()
	<-saving
	p.finish()
	return err
}

// preload connects early, so that the panel shows what is down without waiting for the first operation.
func (p *program) preload(ctx context.Context) error {
	if err := p.domains.Preload(ctx); err != nil && ctx.Err() == nil {
		p.logger.Warn("a domain cannot be reached yet; it is tried again with the next operation", slog.Any("cause", err))
	}
	return nil
}

// usage returns the counters that are to be saved: those of every domain but the ones configured otherwise.
func (p *program) usage() []instrument.Snapshot {
	return slices.DeleteFunc(p.scope.Snapshots(), func(s instrument.Snapshot) bool { return !p.saves(s.Domain) })
}

func (p *program) saves(domain string) bool {
	d, err := p.domains.Domain(domain)
	return err != nil || d.SaveUsage()
}

func (p *program) finish() {
	ctx := context.Background()
	if p.spool != nil {
		_ = p.spool.Checkpoint(p.usage()) // Finish tells what could not be written
	}
	unbinding, cancel := context.WithTimeout(ctx, unbindBudget)
	defer cancel()
	_ = p.domains.Close(unbinding) // a server that does not answer must not keep the program
	p.report()
	if p.kept != nil {
		p.kept.save(ctx, keepAtEnd)
	}
	if p.db != nil {
		_ = p.db.Close()
	}
	if p.accounts != nil {
		_ = p.accounts.close() // every transaction has ended
	}
	p.telemetry.flush(ctx, telemetryBudget)
}

// report saves the last counters and says where they are. That there is no place for them was said at the start.
func (p *program) report() {
	if p.spool == nil {
		return
	}
	saved, err := p.spool.Finish(p.usage(), 0)
	if err != nil {
		fmt.Fprintf(p.s.stderr, "ldapscope: usage was not saved: %v\n", err)
		return
	}
	if p.db == nil {
		fmt.Fprintf(p.s.stderr, "ldapscope: the usage (operations: %d) waits in %s for a database\n", saved.Operations, saved.Spool)
		return
	}
	show := "ldapscope metrics show " + saved.Run
	if p.database != defaultDatabase(p.s.env) {
		show += " --db " + p.database
	}
	fmt.Fprintf(p.s.stderr, "ldapscope: saved the usage (operations: %d, domains: %d); see it with: %s\n", saved.Operations, saved.Domains, show)
}

// serveHTTP serves until ctx ends.
func serveHTTP(ctx context.Context, on net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	stopped := make(chan struct{})
	go func() { // ends with ctx; this function waits for it
		defer close(stopped)
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpBudget)
		defer cancel()
		if server.Shutdown(ending) != nil {
			_ = server.Close()
		}
	}()
	err := server.Serve(on)
	if errors.Is(err, http.ErrServerClosed) {
		<-stopped
		return nil
	}
	return err
}

// logTo returns a logger that writes lines for people.
func logTo(w io.Writer, level string) (*slog.Logger, error) {
	var least slog.Level
	if level == "" {
		level = "warn"
	}
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, usageError{fmt.Errorf("unknown log level %q: use debug, info, warn or error", level)}
	}
	return slog.New(instrument.NewLogHandler(slog.NewTextHandler(w, &slog.HandlerOptions{Level: least}))), nil
}
