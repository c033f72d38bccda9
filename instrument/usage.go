// SPDX-License-Identifier: MIT

package instrument

import "time"

// Usage is what one domain has used of its directory since the process started. The first 24 counters and five times carry
// the meaning of the fields of the same name in Python's ldap3, so that saved figures can be compared; the rest is ours.
// Counters only grow; a reconnect does not reset them. Sub and Add combine two of them.
type Usage struct {
	InitialConnectionStartTime time.Time `json:"initial_connection_start_time"` // first socket of the domain; kept over reconnects
	OpenSocketStartTime        time.Time `json:"open_socket_start_time"`        // newest socket
	ConnectionStopTime         time.Time `json:"connection_stop_time"`          // last close; zero while a socket is open
	LastTransmittedTime        time.Time `json:"last_transmitted_time"`
	LastReceivedTime           time.Time `json:"last_received_time"`

	Counters
}

// Counters are the counters of a Usage.
type Counters struct {
	ServersFromPool     uint64 `json:"servers_from_pool"` // times another server than before was chosen
	OpenSockets         uint64 `json:"open_sockets"`      // sockets opened
	ClosedSockets       uint64 `json:"closed_sockets"`
	WrappedSockets      uint64 `json:"wrapped_sockets"` // sockets that got TLS
	BytesTransmitted    uint64 `json:"bytes_transmitted"`
	BytesReceived       uint64 `json:"bytes_received"`
	MessagesTransmitted uint64 `json:"messages_transmitted"`
	MessagesReceived    uint64 `json:"messages_received"` // a search with n entries is n+1
	Operations          uint64 `json:"operations"`        // every request, with bind, unbind and abandon
	AbandonOperations   uint64 `json:"abandon_operations"`
	BindOperations      uint64 `json:"bind_operations"`
	AddOperations       uint64 `json:"add_operations"`
	CompareOperations   uint64 `json:"compare_operations"`
	DeleteOperations    uint64 `json:"delete_operations"`
	ExtendedOperations  uint64 `json:"extended_operations"`
	ModifyOperations    uint64 `json:"modify_operations"`
	ModifyDNOperations  uint64 `json:"modify_dn_operations"`
	SearchOperations    uint64 `json:"search_operations"`
	UnbindOperations    uint64 `json:"unbind_operations"`
	ReferralsReceived   uint64 `json:"referrals_received"`
	ReferralsFollowed   uint64 `json:"referrals_followed"`    // only where an application says so; package ldapmgr does for domains that are named
	ReferralConnections uint64 `json:"referrals_connections"` // made for them
	RestartableFailures uint64 `json:"restartable_failures"`  // retries that failed
	RestartableSuccess  uint64 `json:"restartable_successes"`

	Entries           uint64 `json:"entries"`            // SearchResultEntry messages
	References        uint64 `json:"references"`         // SearchResultReference messages
	Pages             uint64 `json:"pages"`              // searches that carried the paging control
	Errors            uint64 `json:"errors"`             // operations that ended in an error, see Result.Failed
	BindFailures      uint64 `json:"bind_failures"`      // of Errors, binds
	Abandoned         uint64 `json:"abandoned"`          // waits ended by a cancelled context
	Timeouts          uint64 `json:"timeouts"`           // waits ended by a limit
	Notices           uint64 `json:"notices"`            // unsolicited notifications
	MalformedMessages uint64 `json:"malformed_messages"` // messages refused before the protocol driver saw them
	DialFailures      uint64 `json:"dial_failures"`
	PoolWaits         uint64 `json:"pool_waits"` // checkouts that had to wait
	PoolWaitMicros    uint64 `json:"pool_wait_us"`
	PoolTimeouts      uint64 `json:"pool_timeouts"`
}

// counter names one field of Counters, so that adding a field is one line.
type counter struct {
	Name  string
	Field func(*Counters) *uint64
}

// CounterFields lists every counter in the order in which people read them: name as in JSON and SQL, and the field.
// It is the one list behind arithmetic, storage and display. The slice is shared; do not change it.
var CounterFields = []counter{
	{"servers_from_pool", func(c *Counters) *uint64 { return &c.ServersFromPool }},
	{"open_sockets", func(c *Counters) *uint64 { return &c.OpenSockets }},
	{"closed_sockets", func(c *Counters) *uint64 { return &c.ClosedSockets }},
	{"wrapped_sockets", func(c *Counters) *uint64 { return &c.WrappedSockets }},
	{"bytes_transmitted", func(c *Counters) *uint64 { return &c.BytesTransmitted }},
	{"bytes_received", func(c *Counters) *uint64 { return &c.BytesReceived }},
	{"messages_transmitted", func(c *Counters) *uint64 { return &c.MessagesTransmitted }},
	{"messages_received", func(c *Counters) *uint64 { return &c.MessagesReceived }},
	{"operations", func(c *Counters) *uint64 { return &c.Operations }},
	{"abandon_operations", func(c *Counters) *uint64 { return &c.AbandonOperations }},
	{"bind_operations", func(c *Counters) *uint64 { return &c.BindOperations }},
	{"add_operations", func(c *Counters) *uint64 { return &c.AddOperations }},
	{"compare_operations", func(c *Counters) *uint64 { return &c.CompareOperations }},
	{"delete_operations", func(c *Counters) *uint64 { return &c.DeleteOperations }},
	{"extended_operations", func(c *Counters) *uint64 { return &c.ExtendedOperations }},
	{"modify_operations", func(c *Counters) *uint64 { return &c.ModifyOperations }},
	{"modify_dn_operations", func(c *Counters) *uint64 { return &c.ModifyDNOperations }},
	{"search_operations", func(c *Counters) *uint64 { return &c.SearchOperations }},
	{"unbind_operations", func(c *Counters) *uint64 { return &c.UnbindOperations }},
	{"referrals_received", func(c *Counters) *uint64 { return &c.ReferralsReceived }},
	{"referrals_followed", func(c *Counters) *uint64 { return &c.ReferralsFollowed }},
	{"referrals_connections", func(c *Counters) *uint64 { return &c.ReferralConnections }},
	{"restartable_failures", func(c *Counters) *uint64 { return &c.RestartableFailures }},
	{"restartable_successes", func(c *Counters) *uint64 { return &c.RestartableSuccess }},
	{"entries", func(c *Counters) *uint64 { return &c.Entries }},
	{"references", func(c *Counters) *uint64 { return &c.References }},
	{"pages", func(c *Counters) *uint64 { return &c.Pages }},
	{"errors", func(c *Counters) *uint64 { return &c.Errors }},
	{"bind_failures", func(c *Counters) *uint64 { return &c.BindFailures }},
	{"abandoned", func(c *Counters) *uint64 { return &c.Abandoned }},
	{"timeouts", func(c *Counters) *uint64 { return &c.Timeouts }},
	{"notices", func(c *Counters) *uint64 { return &c.Notices }},
	{"malformed_messages", func(c *Counters) *uint64 { return &c.MalformedMessages }},
	{"dial_failures", func(c *Counters) *uint64 { return &c.DialFailures }},
	{"pool_waits", func(c *Counters) *uint64 { return &c.PoolWaits }},
	{"pool_wait_us", func(c *Counters) *uint64 { return &c.PoolWaitMicros }},
	{"pool_timeouts", func(c *Counters) *uint64 { return &c.PoolTimeouts }},
}

// Add returns the sum of both.
func (c Counters) Add(d Counters) Counters {
	for _, f := range CounterFields {
		*f.Field(&c) += *f.Field(&d)
	}
	return c
}

// Sub returns what was counted since before; a counter that is smaller than before, as after a restart, counts from zero.
func (c Counters) Sub(before Counters) Counters {
	for _, f := range CounterFields {
		now, was := f.Field(&c), *f.Field(&before)
		if *now >= was {
			*now -= was
		}
	}
	return c
}

// Elapsed is the time from the first socket to the last close, or to now while a socket is open; zero before the first.
func (u Usage) Elapsed(now time.Time) time.Duration {
	if u.InitialConnectionStartTime.IsZero() {
		return 0
	}
	if !u.ConnectionStopTime.IsZero() {
		now = u.ConnectionStopTime
	}
	return now.Sub(u.InitialConnectionStartTime)
}
