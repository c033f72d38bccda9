// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"
)

// failures counts refused logins, by account and by address. A count begins with the first failure and is forgotten when
// the window has passed.
type failures struct {
	counts remembered[failureCount]

	mu      sync.Mutex     // guards what follows
	pending map[string]int // logins under way, by key
	ended   chan struct{}  // closed when one of them ends
}

type failureCount struct {
	n     int
	since time.Time
}

// enter lets a login begin, unless one of the keys has failed too often. As long as too many are under way, which may all
// fail, it waits: how many passwords are tried does not depend on how fast they come. leave must be called for what entered.
func (f *failures) enter(ctx context.Context, limit Limit, keys []string) (limited bool, err error) {
	for {
		limited, wait := f.admit(limit, keys)
		if wait == nil {
			return limited, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return false, contextError(ctx)
		}
	}
}

// admit counts a login as under way where there is room for it, and otherwise returns what to wait for.
func (f *failures) admit(limit Limit, keys []string) (limited bool, wait <-chan struct{}) {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		most := limit.most(key)
		if most <= 0 {
			continue
		}
		count, _ := f.counts.get(key, now)
		switch {
		case count.n >= most:
			return true, nil
		case count.n+f.pending[key] >= most:
			wait = f.ended
		}
	}
	if wait != nil {
		return false, wait
	}
	if f.pending == nil {
		f.pending, f.ended = map[string]int{}, make(chan struct{})
	}
	for _, key := range keys {
		f.pending[key]++
	}
	return false, nil
}

// leave ends a login that entered with these keys. Its failure was counted before.
func (f *failures) leave(keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(keys) == 0 {
		return
	}
	for _, key := range keys {
		if f.pending[key]--; f.pending[key] == 0 {
			delete(f.pending, key)
		}
	}
	close(f.ended)
	f.ended = make(chan struct{})
}

// failed counts one more failure for each of the keys.
func (f *failures) failed(limit Limit, keys []string, now time.Time) {
	for _, key := range keys {
		count, ok := f.counts.get(key, now)
		if !ok {
			count = failureCount{since: now}
		}
		count.n++
		f.counts.put(key, count, count.since.Add(limit.Window))
	}
}

// forgive forgets the failures of an account. Those of an address stay: one good password does not excuse a hundred bad.
func (f *failures) forgive(keys []string) {
	for _, key := range keys {
		if !strings.HasPrefix(key, byAddress) {
			f.counts.drop(key)
		}
	}
}

// most returns how many failures the kind of key may have; not positive is no limit.
func (l Limit) most(key string) int {
	if strings.HasPrefix(key, byAddress) {
		return l.PerAddress
	}
	return l.PerUser
}

// What failures are counted by, before each key.
const (
	byName    = "name:"
	byUser    = "key:"
	byAddress = "address:"
)

func nameKey(name LoginName) string { return byName + foldValue(name.Account) }

func userKey(key string) string { return byUser + key }

// addressKey takes host:port or a host.
func addressKey(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	return byAddress + address
}
