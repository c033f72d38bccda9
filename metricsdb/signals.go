// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"
)

// oneWish is how close a signal follows another for both to be one wish: timeout(1) and task runners tell a process and then
// its group, and so the process twice. Nobody asks twice that fast.
const oneWish = 100 * time.Millisecond

// SignalError is why a context of UntilSignal ended when a signal has ended it.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return fmt.Sprintf("ended by the signal %q", e.Signal) }

var errReturned = errors.New("work has returned")

// UntilSignal returns a context that ends with ctx, or with INT, TERM, HUP or QUIT; context.Cause is then a *SignalError.
// A second signal, from 100 ms after the first, ends the process at once, with the status that a shell gives it. Signals that
// the process was started to ignore, as nohup does with HUP, stay ignored, and so is PIPE meanwhile, so that a closed stdout
// is a failed write and not the end. The returned function ends all that, and the context; call it once.
func UntilSignal(ctx context.Context) (context.Context, func()) {
	restore := ignorePipe()
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 2)
	for _, s := range endings {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	var listening sync.WaitGroup
	listening.Go(func() {
		var first time.Time
		for s := range signals {
			switch now := time.Now(); {
			case first.IsZero():
				first = now
				cancel(&SignalError{s})
			case now.Sub(first) >= oneWish:
				os.Exit(status(s)) //nolint:forbidigo // whoever asks twice wants the end and nothing else
			}
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		listening.Wait()
		cancel(errReturned)
		restore()
	}
}
