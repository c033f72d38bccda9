// SPDX-License-Identifier: MIT

package ldaptest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
)

// Serve accepts connections from ln until ctx ends. Then it closes ln, sends every client a notice of disconnection,
// closes all connections and returns nil when all of them are done. It returns earlier, with the error, when ln fails.
func (d *Directory) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex // guards open
		open  = map[*conn]struct{}{}
		ended bool
	)
	wait.Go(func() {
		<-ctx.Done()
		_ = ln.Close() // ends Accept, whose error is the one that counts
		mu.Lock()
		defer mu.Unlock()
		ended = true
		for c := range open {
			wait.Go(func() { c.disconnect(codeUnavailable, "the server is shutting down") })
		}
	})
	for {
		raw, err := ln.Accept()
		if err != nil {
			stopped := ctx.Err() != nil
			cancel()
			wait.Wait()
			if stopped {
				return nil
			}
			return fmt.Errorf("in-memory directory: accept on %s: %w", ln.Addr(), err)
		}
		c := d.newConn(ctx, raw)
		mu.Lock()
		if ended {
			mu.Unlock()
			_ = raw.Close()
			continue
		}
		open[c] = struct{}{}
		mu.Unlock()
		wait.Go(func() {
			c.serve()
			mu.Lock()
			delete(open, c)
			mu.Unlock()
		})
	}
}

// ServeTLS is Serve for ldaps: TLS from the first byte. It needs Config.TLS.
func (d *Directory) ServeTLS(ctx context.Context, ln net.Listener) error {
	if d.cfg.TLS == nil {
		_ = ln.Close()
		return errors.New("in-memory directory: ldaps needs Config.TLS")
	}
	return d.Serve(ctx, tls.NewListener(ln, d.cfg.TLS))
}
