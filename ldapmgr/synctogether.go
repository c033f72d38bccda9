// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"
	"log/slog"
)

// flown is how something ended that several wait for.
type flown struct {
	done     *Synced
	panicked any // what f panicked with
}

// together does something once for all who ask for it at the same time. It has a time of its own, since several wait for it:
// who gives up does not end it, and is not kept by it. A panic of f, which calls the application's hooks, is a panic of all who wait.
func (s *Syncer) together(ctx context.Context, d *Domain, key string, f func(ctx context.Context) (*Synced, error)) (*Synced, error) {
	ended := s.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.cfg.Timeouts.Call)
		defer cancel()
		var end flown
		err := func() (err error) {
			defer func() {
				if end.panicked = recover(); end.panicked != nil {
					d.log.LogAttrs(ctx, slog.LevelError, "a sync panicked", slog.Any("panic", end.panicked))
				}
			}()
			end.done, err = f(ctx)
			return err
		}()
		return end, err
	})
	select {
	case r := <-ended:
		end := r.Val.(flown)
		if end.panicked != nil {
			panic(end.panicked) //nolint:forbidigo // it goes on where it would have without others
		}
		return end.done, r.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a sync: %w", contextError(ctx))
	}
}
