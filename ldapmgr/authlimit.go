// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"net"
	"strings"
	"time"
)

// failures counts refused logins, by account and by address. A count begins with the first failure and is forgotten when
// the window has passed.
type failures struct {
	counts remembered[failureCount]
}

type failureCount struct {
	n     int
	since time.Time
}

// limited reports whether one of the keys has failed too often.
func (f *failures) limited(limit Limit, keys []string, now time.Time) bool {
	for _, key := range keys {
		most := limit.most(key)
		if count, ok := f.counts.get(key, now); ok && most > 0 && count.n >= most {
			return true
		}
	}
	return false
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
