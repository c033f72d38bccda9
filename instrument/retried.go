// SPDX-License-Identifier: MIT

package instrument

// Retried counts an operation of a domain that was sent a second time: recovered tells whether that gave an answer.
func (s *Scope) Retried(domain string, recovered bool) {
	s.domain(domain).count(func(n *Counters) *uint64 {
		if recovered {
			return &n.RestartableSuccess
		}
		return &n.RestartableFailures
	})
}

// Followed counts a reference to another server that was followed for a domain.
func (s *Scope) Followed(domain string) {
	s.domain(domain).count(func(n *Counters) *uint64 { return &n.ReferralsFollowed })
}

// ReferralConnected counts a connection that had to be made for a reference that was followed for a domain.
func (s *Scope) ReferralConnected(domain string) {
	s.domain(domain).count(func(n *Counters) *uint64 { return &n.ReferralConnections })
}
