// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	addressStagger = 250 * time.Millisecond // between attempts to two addresses of one name
	addressLimit   = 4                      // addresses of one name that are tried
	staleNames     = time.Hour              // for how long an old answer serves when names cannot be looked up
)

// dialer opens sockets: it bounds the look-up, tries the addresses of a name staggered, each with its own time, and falls
// back to the last good answer when names cannot be looked up.
type dialer struct {
	timeouts Timeouts
	resolver *net.Resolver
	open     func(ctx context.Context, network, address string) (net.Conn, error)
	custom   bool // the application opens sockets, and looks names up

	mu    sync.Mutex // guards names
	names map[string]answer
}

type answer struct {
	addresses []string
	at        time.Time
}

func newDialer(cfg DomainConfig) *dialer {
	d := &dialer{timeouts: cfg.Timeouts, resolver: cfg.Resolver, open: cfg.Dial, custom: cfg.Dial != nil, names: map[string]answer{}}
	if d.open == nil {
		d.open = (&net.Dialer{KeepAlive: 30 * time.Second, Control: boundSilence}).DialContext
	}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	return d
}

// budget bounds a whole dial: the look-up, then each address.
func (d *dialer) budget() time.Duration {
	return d.timeouts.DNS + d.timeouts.Connect + (addressLimit-1)*addressStagger
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if network != "tcp" || d.custom || err != nil || net.ParseIP(host) != nil {
		return d.one(ctx, network, address)
	}
	addresses, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	for i, a := range addresses {
		addresses[i] = net.JoinHostPort(a, port)
	}
	return d.staggered(ctx, addresses)
}

func (d *dialer) one(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeouts.Connect)
	defer cancel()
	return d.open(ctx, network, address)
}

// lookup returns the addresses of a name, the families by turns.
func (d *dialer) lookup(ctx context.Context, host string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeouts.DNS)
	defer cancel()
	found, err := d.resolver.LookupIPAddr(ctx, host)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil || len(found) == 0 {
		if old, ok := d.names[host]; ok && time.Since(old.at) <= staleNames {
			return slices.Clone(old.addresses), nil
		}
		if err == nil {
			err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
		}
		return nil, err
	}
	addresses := interleave(found)
	d.names[host] = answer{addresses, time.Now()}
	return slices.Clone(addresses), nil
}

// interleave puts IPv6 and IPv4 addresses by turns, so that a family that does not work costs one stagger.
func interleave(found []net.IPAddr) (addresses []string) {
	var six, four []string
	for _, a := range found {
		if a.IP.To4() == nil {
			six = append(six, a.String())
		} else {
			four = append(four, a.String())
		}
	}
	for i := range max(len(six), len(four)) {
		if i < len(six) {
			addresses = append(addresses, six[i])
		}
		if i < len(four) {
			addresses = append(addresses, four[i])
		}
	}
	return addresses[:min(len(addresses), addressLimit)]
}

type dialed struct {
	conn net.Conn
	err  error
}

// staggered tries addresses one after the other, each next one early, and returns the first connection.
func (d *dialer) staggered(ctx context.Context, addresses []string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan dialed, len(addresses))
	var attempts sync.WaitGroup
	defer func() { // also the attempts that lost, which end at once
		cancel()
		attempts.Wait()
		close(results)
		for late := range results {
			if late.conn != nil {
				_ = late.conn.Close()
			}
		}
	}()
	started := 0
	start := func() {
		if started == len(addresses) {
			return
		}
		address := addresses[started]
		started++
		attempts.Go(func() {
			conn, err := d.one(ctx, "tcp", address)
			results <- dialed{conn, err}
		})
	}
	stagger := time.NewTicker(addressStagger)
	defer stagger.Stop()
	start()
	var failures []error
	for {
		select {
		case r := <-results:
			if r.err == nil {
				return r.conn, nil
			}
			if failures = append(failures, r.err); len(failures) == len(addresses) {
				return nil, errors.Join(failures...)
			}
			start()
		case <-stagger.C:
			start()
		}
	}
}
