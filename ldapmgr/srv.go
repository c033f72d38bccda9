// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	srvEvery = 5 * time.Minute  // between look-ups of the server list
	srvAgain = 10 * time.Second // after a look-up that failed
)

// srvName takes the setting srv apart: the name to ask for and whether connections are encrypted from the start.
func srvName(setting string) (service, name string, tls bool) {
	name, tls = strings.CutPrefix(setting, "ldaps://")
	name = strings.TrimPrefix(name, "ldap://")
	if strings.HasPrefix(name, "_") {
		return "", name, tls || strings.HasPrefix(name, "_ldaps.")
	}
	return "ldap", name, tls
}

// discovery is the server list of a domain that names none.
type discovery struct {
	mu   sync.Mutex // one look-up at a time; guards what follows
	good bool       // a look-up succeeded
	due  time.Time
	err  error
}

// discover looks the servers up, the first time before a connection can be made.
func (d *Domain) discover(ctx context.Context) error {
	if d.cfg.SRV == "" {
		return nil
	}
	f := &d.found
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Before(f.due) {
		return f.err
	}
	urls, err := d.lookupServers(ctx)
	f.due = now.Add(srvEvery)
	if err != nil {
		f.due = now.Add(srvAgain)
		err = fmt.Errorf("%w: looking up the servers of %s: %w", ErrUnavailable, d.cfg.SRV, err)
		d.tellFault(ctx, nil, err)
		if f.err = err; f.good {
			f.err = nil // the last good answer serves on
		}
		return f.err
	}
	f.good, f.err = true, nil
	d.fleet.set(urls, now)
	return nil
}

// next returns when the server list should be looked up again, and starts that when it is due.
func (f *discovery) next(d *Domain) time.Time {
	if d.cfg.SRV == "" || !f.mu.TryLock() {
		return time.Time{}
	}
	due, good := f.due, f.good
	f.mu.Unlock()
	if !good {
		return time.Time{} // the next call asks
	}
	if time.Now().Before(due) {
		return due
	}
	d.spawn(func() { _ = d.discover(d.life) })
	return time.Now().Add(srvAgain)
}

// lookupServers returns the URLs of the servers, in the order in which DNS wants them asked. Of those that it wants equally,
// drawn by lot each time (RFC 2782), the ones known before keep their places.
func (d *Domain) lookupServers(ctx context.Context) (urls []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeouts.DNS)
	defer cancel()
	service, name, secure := srvName(d.cfg.SRV)
	proto := "tcp"
	if service == "" {
		proto = ""
	}
	_, records, err := d.dialer.resolver.LookupSRV(ctx, service, proto, name)
	if len(records) == 0 { // beside records, an error tells of others that were malformed
		if err == nil {
			err = &net.DNSError{Err: "no SRV record", Name: name, IsNotFound: true}
		}
		return nil, err
	}
	at := func(r *net.SRV) string { return serverURL(strings.TrimSuffix(r.Target, "."), r.Port, secure) }
	slices.SortStableFunc(records, func(a, b *net.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(d.fleet.place(at(a)), d.fleet.place(at(b))))
	})
	for _, r := range records {
		if r.Target == "." { // RFC 2782: the service is decidedly not available
			return nil, errors.New("DNS says that this domain offers no LDAP")
		}
		urls = append(urls, at(r))
	}
	return urls, nil
}

// serverURL makes the URL of a server from DNS. Records usually give the ports of clear text; TLS has others.
func serverURL(host string, port uint16, secure bool) string {
	scheme := "ldap"
	if secure {
		scheme = "ldaps"
		switch port {
		case 389:
			port = 636
		case 3268:
			port = 3269
		}
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(port)))
}
