// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"sync"

	"github.com/ldapscope/ldapscope/instrument"
)

// Keep is for programs that have no order of their own at the end: it runs work, which is all that main does, and saves the
// usage that source tells, as checkpoints while work runs and whole when work returns or panics. A panic goes on to where it
// would have gone. Work runs in the goroutine of the caller and gets a context that ends with ctx or with INT, TERM, HUP or
// QUIT, as [UntilSignal] says; it should then close its connections, which still counts, and return. What a second signal
// leaves is the usage of the last checkpoint.
//
// Usage that cannot be saved never keeps work from being done, nor changes how it ends: that is logged, and Saved is then
// empty or says what is left. The error is that of work alone, and context.Cause of its context a *SignalError where a signal
// ended it. Use Keep once in a process, from main; a program that handles signals itself uses a [Spool].
func Keep(ctx context.Context, cfg Config, run instrument.Run, source func() []instrument.Snapshot, work func(context.Context) error) (saved Saved, err error) {
	ctx, stop := UntilSignal(ctx)
	defer stop()
	k, err := keep(cfg, run, source)
	if err != nil {
		warning(cfg)("usage will not be saved", "cause", err)
		return Saved{}, work(ctx)
	}
	k.start(ctx)
	defer func() { saved = k.finish() }() // without recover: a panic keeps its own stack
	return saved, work(ctx)
}

// keeper saves beside work.
type keeper struct {
	spool  *Spool
	source func() []instrument.Snapshot
	warn   func(string, ...any)
	stop   func()
	beside sync.WaitGroup
}

func keep(cfg Config, run instrument.Run, source func() []instrument.Snapshot) (*keeper, error) {
	spool, err := NewSpool(cfg, run)
	if err != nil {
		return nil, err
	}
	return &keeper{spool: spool, source: source, warn: warning(cfg)}, nil
}

func warning(cfg Config) func(string, ...any) {
	if cfg.Logger == nil {
		return func(string, ...any) {}
	}
	return cfg.Logger.Warn
}

// start makes checkpoints until finish, also while work is on its way to its end; and one at once when ctx ends, because
// whoever has sent a signal may lose patience.
func (k *keeper) start(ctx context.Context) {
	asked, stopAsked := context.WithCancel(ctx)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	k.stop = func() { stop(); stopAsked() }
	k.beside.Go(func() {
		_ = k.spool.Run(asked, k.source) // what fails has been logged, and finish tells what is left
		_ = k.spool.Run(running, k.source)
	})
}

func (k *keeper) finish() Saved {
	k.stop()
	k.beside.Wait()
	saved, err := k.spool.Finish(k.source(), 0)
	if err != nil {
		k.warn("usage was not saved whole", "cause", err)
	}
	return saved
}
