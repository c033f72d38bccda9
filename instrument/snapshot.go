// SPDX-License-Identifier: MIT

package instrument

import (
	"fmt"
	"time"
)

// Run identifies one process that used LDAP.
type Run struct {
	ID        string    `json:"run"` // random, never a pid: pids are used again
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	App       string    `json:"app"`
	Version   string    `json:"version"`
	GoVersion string    `json:"go_version"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"` // last checkpoint when the run did not end cleanly; zero while unknown
	Ended     RunEnd    `json:"ended"`
}

// RunEnd is how a run ended.
type RunEnd string

// How a run ended. A run is unclean when its last checkpoint was found without a live owner.
const (
	RunRunning RunEnd = "running"
	RunClean   RunEnd = "clean"
	RunUnclean RunEnd = "unclean"
)

// Snapshot is what one domain had used in one process at one instant. Counters are totals since the process started.
type Snapshot struct {
	Domain  string             `json:"domain"`
	Server  string             `json:"server"`
	Seq     uint64             `json:"seq"` // strictly increasing within a run; orders snapshots also when the clock is set back
	At      time.Time          `json:"at"`
	Elapsed time.Duration      `json:"elapsed"` // monotonic time since the run started
	Usage   Usage              `json:"usage"`
	Latency map[string]Latency `json:"latency"` // by Kind.String(); kinds without operations are left out
	Codes   map[int64]uint64   `json:"codes"`   // operations by LDAP result code
	Pool    PoolStats          `json:"pool"`
	Shapes  []ShapeTotal       `json:"shapes"` // largest total time first, bounded
}

// Total returns the latency of all kinds together.
func (s Snapshot) Total() Latency {
	var all Latency
	for _, l := range s.Latency {
		all.Merge(l)
	}
	return all
}

// PoolStats is the state of a domain's connections at one instant.
type PoolStats struct {
	Max      int           `json:"max"`
	Idle     int           `json:"idle"`
	InUse    int           `json:"in_use"`
	Waiting  int           `json:"waiting"`
	Waits    uint64        `json:"waits"`     // for a connection, since the start; as what follows
	WaitTime time.Duration `json:"wait_time"` // of all Waits together
	Timeouts uint64        `json:"timeouts"`  // of Waits, those that ended without a connection
	Opened   uint64        `json:"opened"`
	Closed   uint64        `json:"closed"`

	// What follows is for metrics alone: it is not saved.
	MaxIdle   int                  `json:"-"`
	MinIdle   int                  `json:"-"`
	ClosedFor [CloseReasons]uint64 `json:"-"` // Closed, by CloseReason
}

// CloseReason is why a pool closed a connection; 0 is none.
type CloseReason int

// The reasons to close a connection.
const (
	CloseIdle     CloseReason = iota + 1 // nobody wanted it for long, or enough others were idle
	CloseLifetime                        // it was too old, or used too often
	CloseError                           // an operation or a probe on it failed
	CloseServer                          // the server took leave, does not answer at all, or is to be spared
	ClosePoisoned                        // given back with something open on it, or by a borrower who gave up or panicked
	CloseShutdown                        // the pool was closed

	CloseReasons = int(CloseShutdown) + 1 // length of an array by reason
)

var closeReasonNames = [CloseReasons]string{"", "idle", "lifetime", "error", "server", "poisoned", "shutdown"}

// String returns the reason as metrics name it, "" for none.
func (r CloseReason) String() string {
	if r >= 0 && int(r) < len(closeReasonNames) {
		return closeReasonNames[r]
	}
	return fmt.Sprintf("close_reason(%d)", int(r))
}

// ShapeTotal sums the operations of one shape.
type ShapeTotal struct {
	Domain   string        `json:"domain"`
	ID       string        `json:"shape"` // 16 hexadecimal digits
	Text     string        `json:"text"`  // without any literal
	Kind     string        `json:"kind"`
	Count    uint64        `json:"count"`
	Errors   uint64        `json:"errors"`
	Total    time.Duration `json:"total"`
	Max      time.Duration `json:"max"`
	Entries  uint64        `json:"entries"`
	Bytes    uint64        `json:"bytes"` // received
	LastSeen time.Time     `json:"last_seen"`
}
