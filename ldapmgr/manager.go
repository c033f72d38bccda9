// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Manager holds the configured domains. All methods are safe for concurrent use.
type Manager struct {
	domains  []*Domain // by name
	byName   map[string]*Domain
	fallback *Domain // meant by the empty name; nil for none
	unlisted bool
	preload  []string // names for a Preload without names; nil for all
	silence  []string // codes of warnings
}

// Format prints the names of the domains for every verb, see Domain.Format.
func (m *Manager) Format(w fmt.State, _ rune) { _, _ = fmt.Fprint(w, m.Domains()) }

// New returns a Manager. It does no I/O and starts nothing; connections are made when they are needed, or by Preload. The
// error joins every ConfigError, see Problems.
func New(c Config) (*Manager, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	m := &Manager{byName: map[string]*Domain{}, unlisted: c.ServeUnlisted, preload: slices.Clone(c.Preload), silence: c.Silence}
	for _, name := range slices.Sorted(maps.Keys(c.Domains)) {
		d := newDomain(name, c)
		d.peer = m.Domain
		m.domains = append(m.domains, d)
		m.byName[fold(name)] = d
		for _, alias := range d.cfg.Aliases {
			m.byName[fold(alias)] = d
		}
	}
	if c.Default != "" {
		m.fallback = m.byName[fold(c.Default)]
	} else if len(m.domains) == 1 {
		m.fallback = m.domains[0]
	}
	return m, nil
}

// Domain returns a domain by name or alias, without regard to case. The empty name means the default domain.
func (m *Manager) Domain(name string) (*Domain, error) {
	if d := m.byName[fold(name)]; d != nil {
		return d, nil
	}
	if m.fallback != nil && (name == "" || m.unlisted) {
		return m.fallback, nil
	}
	known := make([]string, len(m.domains))
	for i, d := range m.domains {
		known[i] = d.name
	}
	if name == "" {
		return nil, fmt.Errorf("%w: no name was given and there is no default; configured are %s", ErrUnknownDomain, strings.Join(known, ", "))
	}
	return nil, fmt.Errorf("%w %q: configured are %s", ErrUnknownDomain, name, strings.Join(known, ", "))
}

// Domains returns every domain, ordered by name.
func (m *Manager) Domains() []*Domain { return slices.Clone(m.domains) }

// Preload makes a connection for each of the named domains at the same time; without names for those of Config.Preload, or
// all. It waits until all are bound or failed, or ctx is done; errors of several domains are joined.
func (m *Manager) Preload(ctx context.Context, names ...string) error {
	domains := m.domains
	if len(names) == 0 {
		names = m.preload
	}
	if names != nil {
		domains = nil
		for _, name := range names {
			d, err := m.Domain(name)
			if err != nil {
				return err
			}
			domains = append(domains, d)
		}
	}
	return forEach(domains, func(d *Domain) error { return d.Preload(ctx) })
}

// Close closes every domain at the same time, see Domain.Close. It returns when all goroutines have ended.
func (m *Manager) Close(ctx context.Context) error {
	return forEach(m.domains, func(d *Domain) error { return d.Close(ctx) })
}

func forEach(domains []*Domain, f func(*Domain) error) error {
	var all sync.WaitGroup
	failed := make([]error, len(domains))
	for i, d := range domains {
		all.Go(func() { failed[i] = f(d) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// Statuses returns the state of every domain, ordered by name.
func (m *Manager) Statuses() []Status {
	all := make([]Status, len(m.domains))
	for i, d := range m.domains {
		all[i] = d.Status()
	}
	return all
}
