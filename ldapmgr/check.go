// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"sync"
	"sync/atomic"
)

// Checked is one server as Domain.Check found it.
type Checked struct {
	URL string
	Err error     // why there is no bound connection to it; nil for a good one
	TLS *TLSFacts // of the last handshake; nil before the first and without TLS
}

// Check makes a connection to every server of the domain, binds it as the service account and closes it again, all at the
// same time and also where one would do. Servers are in order of preference. A password that one server refuses is not sent
// to the others, see ErrServiceAccount. The error says why the servers are not known. A ctx without a deadline gets
// Timeouts.Call.
func (d *Domain) Check(ctx context.Context) ([]Checked, error) {
	ctx, cancel := d.timed(ctx)
	defer cancel()
	ctx, end := context.WithCancel(ctx)
	defer context.AfterFunc(d.life, end)()
	if err := d.discover(ctx); err != nil {
		return nil, &Error{Op: "check", Domain: d.name, Err: err}
	}
	servers := d.fleet.servers()
	all := make([]Checked, len(servers))
	var done sync.WaitGroup
	for i, e := range servers {
		all[i] = Checked{URL: e.url, Err: ErrClosed}
		done.Add(1)
		if !d.spawn(func() {
			defer done.Done()
			all[i].Err = d.checkServer(ctx, e)
			all[i].TLS = e.secured.Load().facts(d.cfg.TLS.verification())
		}) {
			done.Done()
		}
	}
	done.Wait()
	return all, nil
}

func (d *Domain) checkServer(ctx context.Context, e *endpoint) error {
	m, err := d.attempt(ctx, e, purpose{d.account, onlyBinds}, new(atomic.Bool))
	if err == nil {
		d.close(m)
	}
	return err
}
