// SPDX-License-Identifier: MIT

package panel

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// Export is the state of the telemetry export.
type Export struct {
	State     string // off, waiting, sent or failed
	Endpoint  string
	LastError string
	Hint      string // what the error usually means
	Spans     uint64 // sent
	Last      time.Time
}

type exportRow struct {
	State     string `json:"state"`
	Endpoint  string `json:"endpoint,omitempty"`
	LastError string `json:"last_error,omitempty"`
	Hint      string `json:"hint,omitempty"`
	Spans     uint64 `json:"spans"`
	Last      *stamp `json:"last,omitempty"`
	JaegerURL string `json:"jaeger_url,omitempty"`
}

// domainRow is one domain with every counter.
type domainRow struct {
	Name           string                `json:"name"`
	Aliases        []string              `json:"aliases"`
	Server         string                `json:"server"`
	State          string                `json:"state"`
	Reason         string                `json:"reason,omitempty"`
	Security       string                `json:"security,omitempty"`
	Bind           string                `json:"bind,omitempty"`
	ReadOnly       bool                  `json:"read_only"`
	Vendor         string                `json:"vendor,omitempty"`
	NamingContexts []string              `json:"naming_contexts"`
	Pool           *poolRow              `json:"pool"`
	Endpoints      []endpointRow         `json:"endpoints"`
	Faults         []faultRow            `json:"faults"`
	Times          timesRow              `json:"times"`
	ElapsedUS      int64                 `json:"elapsed_us"`
	Counters       map[string]any        `json:"counters"`
	Latency        map[string]latencyRow `json:"latency"`
	Codes          []codeRow             `json:"codes"`
	Shapes         []shapeRow            `json:"shapes"`
	Warnings       []string              `json:"warnings"`
}

type poolRow struct {
	Max      int    `json:"max"`
	Idle     int    `json:"idle"`
	InUse    int    `json:"in_use"`
	Waiting  int    `json:"waiting"`
	Waits    uint64 `json:"waits"`
	WaitUS   int64  `json:"wait_us"`
	Timeouts uint64 `json:"timeouts"`
	Opened   uint64 `json:"opened"`
	Closed   uint64 `json:"closed"`
}

type endpointRow struct {
	URL    string  `json:"url"`
	State  string  `json:"state"`
	Reason string  `json:"reason,omitempty"`
	Since  *stamp  `json:"since"`
	TLS    *tlsRow `json:"tls,omitempty"`
}

// tlsRow is the last handshake with a server.
type tlsRow struct {
	At           *stamp   `json:"at"`
	Version      string   `json:"version"`
	Cipher       string   `json:"cipher"`
	Verification string   `json:"verification"` // system, ca_file, pinned or insecure
	Subject      string   `json:"subject"`
	Issuer       string   `json:"issuer"`
	Names        []string `json:"names"`
	Expires      *stamp   `json:"expires"`
	DaysLeft     int      `json:"days_left"`
	Fingerprint  string   `json:"sha256"`
}

func tlsOf(f *ldapmgr.TLSFacts) *tlsRow {
	if f == nil {
		return nil
	}
	return &tlsRow{optional(f.At), f.Version, f.Cipher, string(f.Verification), f.Subject, f.Issuer, nonNil(f.Names), optional(f.Expires), f.DaysLeft(time.Now()), f.Fingerprint}
}

// faultRow is what went wrong with a server, the way to it or the account.
type faultRow struct {
	Class  string `json:"class"`
	Server string `json:"server,omitempty"`
	Reason string `json:"reason"`
	First  *stamp `json:"first"`
	Last   *stamp `json:"last"`
	Count  uint64 `json:"count"`
}

type timesRow struct {
	Initial     *stamp `json:"initial_connection_start_time"`
	Open        *stamp `json:"open_socket_start_time"`
	Stop        *stamp `json:"connection_stop_time"`
	Transmitted *stamp `json:"last_transmitted_time"`
	Received    *stamp `json:"last_received_time"`
}

type latencyRow struct {
	Count  uint64 `json:"count"`
	MeanUS int64  `json:"mean_us"`
	P50US  int64  `json:"p50_us"`
	P95US  int64  `json:"p95_us"`
	P99US  int64  `json:"p99_us"`
	MaxUS  int64  `json:"max_us"`
}

type codeRow struct {
	Code  int64  `json:"code"`
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

type shapeRow struct {
	Domain   string `json:"domain"`
	Shape    string `json:"shape"`
	Text     string `json:"text"`
	Kind     string `json:"kind"`
	Count    uint64 `json:"count"`
	Errors   uint64 `json:"errors"`
	TotalUS  int64  `json:"total_us"`
	MaxUS    int64  `json:"max_us"`
	Entries  uint64 `json:"entries"`
	Bytes    uint64 `json:"bytes"`
	LastSeen *stamp `json:"last_seen,omitempty"`
}

// domains answers GET api/v1/domains.
func (p *Panel) domains(w http.ResponseWriter, _ *http.Request) {
	statuses := map[string]ldapmgr.Status{}
	if p.config.Domains != nil {
		for _, s := range p.config.Domains.Statuses() {
			statuses[s.Name] = s
		}
	}
	rows := []domainRow{}
	for _, s := range p.config.Scope.Snapshots() {
		rows = append(rows, domainOf(s, statuses[s.Domain]))
		delete(statuses, s.Domain)
	}
	for _, name := range slices.Sorted(maps.Keys(statuses)) {
		rows = append(rows, domainOf(instrument.Snapshot{Domain: name}, statuses[name]))
	}
	answer(w, http.StatusOK, map[string]any{"domains": rows, "export": p.exportRow()})
}

func (p *Panel) exportRow() exportRow {
	e := Export{State: "off"}
	if p.config.Export != nil {
		e = p.config.Export()
	}
	return exportRow{e.State, e.Endpoint, e.LastError, e.Hint, e.Spans, optional(e.Last), p.config.JaegerURL}
}

func domainOf(s instrument.Snapshot, status ldapmgr.Status) domainRow {
	row := usageOf(s)
	row.Aliases, row.NamingContexts, row.Warnings = nonNil(status.Aliases), nonNil(status.NamingContexts), nonNil(status.Warnings)
	row.Endpoints = []endpointRow{}
	if status.Name == "" {
		row.State = "unknown"
		return row
	}
	row.State, row.Reason = stateOf(status.Endpoints)
	row.Security, row.Bind = status.Security, text(status.BindName)
	row.ReadOnly, row.Vendor = status.ReadOnly, text(status.Vendor)
	for _, e := range status.Endpoints {
		row.Endpoints = append(row.Endpoints, endpointRow{e.URL, string(e.State), text(e.Reason), optional(e.Since), tlsOf(e.TLS)})
	}
	for _, f := range status.Faults {
		row.Faults = append(row.Faults, faultRow{string(f.Class), text(f.Server), text(f.Reason), optional(f.First), optional(f.Last), f.Count})
	}
	row.Pool = poolOf(status.Pool)
	return row
}

// stateOf sums the servers of a domain: it is up while one of them is.
func stateOf(endpoints []ldapmgr.EndpointStatus) (state, reason string) {
	state = string(ldapmgr.EndpointUnknown)
	for _, e := range endpoints {
		switch {
		case e.State == ldapmgr.EndpointUp:
			return string(e.State), ""
		case e.State == ldapmgr.EndpointDown && reason == "":
			state, reason = string(e.State), text(e.Reason)
		}
	}
	return state, reason
}

func poolOf(s instrument.PoolStats) *poolRow {
	return &poolRow{s.Max, s.Idle, s.InUse, s.Waiting, s.Waits, s.WaitTime.Microseconds(), s.Timeouts, s.Opened, s.Closed}
}

// usageOf is what a snapshot says, live or saved.
func usageOf(s instrument.Snapshot) domainRow {
	row := domainRow{
		Name: s.Domain, Server: s.Server, Pool: poolOf(s.Pool), ElapsedUS: s.Usage.Elapsed(time.Now()).Microseconds(),
		Counters: counters(s.Usage.Counters), Latency: map[string]latencyRow{}, Codes: []codeRow{}, Shapes: []shapeRow{},
		Aliases: []string{}, NamingContexts: []string{}, Warnings: []string{}, Endpoints: []endpointRow{}, Faults: []faultRow{},
		Times: timesRow{
			optional(s.Usage.InitialConnectionStartTime), optional(s.Usage.OpenSocketStartTime), optional(s.Usage.ConnectionStopTime),
			optional(s.Usage.LastTransmittedTime), optional(s.Usage.LastReceivedTime),
		},
	}
	for kind, l := range s.Latency {
		row.Latency[kind] = latencyOf(l)
	}
	for code, n := range s.Codes {
		row.Codes = append(row.Codes, codeRow{code, instrument.CodeName(code), n})
	}
	slices.SortFunc(row.Codes, func(a, b codeRow) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	for _, t := range s.Shapes[:min(len(s.Shapes), 20)] {
		row.Shapes = append(row.Shapes, shapeOf(t))
	}
	return row
}

func shapeOf(t instrument.ShapeTotal) shapeRow {
	return shapeRow{t.Domain, t.ID, t.Text, t.Kind, t.Count, t.Errors, t.Total.Microseconds(), t.Max.Microseconds(), t.Entries, t.Bytes, optional(t.LastSeen)}
}

func latencyOf(l instrument.Latency) latencyRow {
	return latencyRow{l.Count, l.Mean().Microseconds(), l.Quantile(0.5).Microseconds(), l.Quantile(0.95).Microseconds(), l.Quantile(0.99).Microseconds(), l.Max.Microseconds()}
}

// counters lists every counter by name. What JavaScript's numbers cannot hold exactly travels as a string.
func counters(c instrument.Counters) map[string]any {
	m := make(map[string]any, len(instrument.CounterFields))
	for _, f := range instrument.CounterFields {
		m[f.Name] = exact(*f.Field(&c))
	}
	return m
}

func exact(n uint64) any {
	if n > 1<<53 {
		return strconv.FormatUint(n, 10)
	}
	return n
}
