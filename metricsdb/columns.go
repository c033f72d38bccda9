// SPDX-License-Identifier: MIT

package metricsdb

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// micros is a time as the file keeps it: NULL when zero.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// moment is a column of a time while it is read.
type moment struct{ sql.Null[int64] }

func (m moment) time() time.Time {
	if !m.Valid {
		return time.Time{}
	}
	return time.UnixMicro(m.V).UTC()
}

// usageTimes are the times of a usage in the order of their columns.
var usageTimes = []struct {
	column string
	field  func(*instrument.Usage) *time.Time
}{
	{"initial_connection_start_us", func(u *instrument.Usage) *time.Time { return &u.InitialConnectionStartTime }},
	{"open_socket_start_us", func(u *instrument.Usage) *time.Time { return &u.OpenSocketStartTime }},
	{"connection_stop_us", func(u *instrument.Usage) *time.Time { return &u.ConnectionStopTime }},
	{"last_transmitted_us", func(u *instrument.Usage) *time.Time { return &u.LastTransmittedTime }},
	{"last_received_us", func(u *instrument.Usage) *time.Time { return &u.LastReceivedTime }},
}

var poolColumns = []string{"conns_max", "conns_idle", "conns_in_use", "conns_waiting", "conns_waits", "conns_wait_us",
	"conns_timeouts", "conns_opened", "conns_closed"}

// snapshotColumns are the columns of a snapshot without its usage, in the order in which snapshotValues gives and
// snapshotScan takes them. Counters are quoted because one of them is called references.
var snapshotColumns = func() []string {
	columns := []string{"seq", "at_us", "elapsed_us", "server"}
	for _, t := range usageTimes {
		columns = append(columns, t.column)
	}
	for _, c := range instrument.CounterFields {
		columns = append(columns, `"`+c.Name+`"`)
	}
	columns = append(columns, poolColumns...)
	return append(columns, "latency", "codes")
}()

// selectSnapshot lists the columns with the name of their table.
var selectSnapshot = "s." + strings.Join(snapshotColumns, ", s.")

var insertSnapshot = fmt.Sprintf("INSERT INTO snapshots (usage_id, %s) VALUES (?%s) ON CONFLICT (usage_id, seq) DO NOTHING",
	strings.Join(snapshotColumns, ", "), strings.Repeat(", ?", len(snapshotColumns)))

func snapshotValues(s *instrument.Snapshot) ([]any, error) {
	values := []any{int64(s.Seq), micros(s.At), s.Elapsed.Microseconds(), s.Server}
	for _, t := range usageTimes {
		values = append(values, micros(*t.field(&s.Usage)))
	}
	for _, c := range instrument.CounterFields {
		values = append(values, int64(*c.Field(&s.Usage.Counters)))
	}
	p := s.Pool
	values = append(values, p.Max, p.Idle, p.InUse, p.Waiting, int64(p.Waits), p.WaitTime.Microseconds(), int64(p.Timeouts),
		int64(p.Opened), int64(p.Closed))
	codes, err := json.Marshal(s.Codes)
	if err != nil {
		return nil, err
	}
	return append(values, packLatency(s.Latency), string(codes)), nil
}

// snapshotScan is the room for the columns of one snapshot; it serves any number of rows, one after the other.
type snapshotScan struct {
	at      moment
	server  string
	times   []moment
	numbers []int64 // seq, elapsed, counters, pool
	latency []byte
	codes   []byte
	targets []any
}

func newSnapshotScan() *snapshotScan {
	counters, pool := len(instrument.CounterFields), len(poolColumns)
	s := &snapshotScan{times: make([]moment, len(usageTimes)), numbers: make([]int64, 2+counters+pool)}
	s.targets = []any{&s.numbers[0], &s.at, &s.numbers[1], &s.server}
	for i := range s.times {
		s.targets = append(s.targets, &s.times[i])
	}
	for i := range s.numbers[2:] {
		s.targets = append(s.targets, &s.numbers[2+i])
	}
	s.targets = append(s.targets, &s.latency, &s.codes)
	return s
}

// snapshot builds the snapshot of the row that was scanned last, with all counters as the unsigned numbers they were.
func (s *snapshotScan) snapshot(domain string) (instrument.Snapshot, error) {
	out := instrument.Snapshot{
		Domain: domain, Server: s.server, Seq: uint64(s.numbers[0]), At: s.at.time(), Elapsed: microseconds(s.numbers[1]),
	}
	for i, t := range usageTimes {
		*t.field(&out.Usage) = s.times[i].time()
	}
	for i, c := range instrument.CounterFields {
		*c.Field(&out.Usage.Counters) = uint64(s.numbers[2+i])
	}
	p := s.numbers[2+len(instrument.CounterFields):]
	out.Pool = instrument.PoolStats{
		Max: int(p[0]), Idle: int(p[1]), InUse: int(p[2]), Waiting: int(p[3]), Waits: uint64(p[4]), WaitTime: microseconds(p[5]),
		Timeouts: uint64(p[6]), Opened: uint64(p[7]), Closed: uint64(p[8]),
	}
	var err error
	if out.Latency, err = unpackLatency(s.latency); err != nil {
		return out, err
	}
	return out, json.Unmarshal(s.codes, &out.Codes)
}

func microseconds(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
