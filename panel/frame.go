// SPDX-License-Identifier: MIT

package panel

// message is what a browser sends.
type message struct {
	Type  string `json:"type"` // hello, query, ack, pause or resume
	Epoch string `json:"epoch"`
	After uint64 `json:"after"`
	Q     string `json:"q"`
	Mode  string `json:"mode"` // tail or resume
	Seq   uint64 `json:"seq"`
}

type welcomeFrame struct {
	Type      string          `json:"type"`
	Epoch     string          `json:"epoch"`
	Version   string          `json:"version"`
	First     uint64          `json:"first"`
	Last      uint64          `json:"last"`
	Recording bool            `json:"recording"`
	Limits    limitsRow       `json:"limits"`
	Level     string          `json:"level"`
	Now       stamp           `json:"now"`
	Features  map[string]bool `json:"features"`
	Jaeger    string          `json:"jaeger"`
}

type limitsRow struct {
	Operations int `json:"operations"`
	Bytes      int `json:"bytes"`
}

// framehead begins a backfill or a batch, whose rows follow in columns. Rows are whole, so that reading one twice does no harm.
type framehead struct {
	Type  string `json:"type"`
	Epoch string `json:"epoch"`
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Reset bool   `json:"reset,omitempty"`
	More  bool   `json:"more,omitempty"`
	Left  int    `json:"left,omitempty"` // operations between From and To that are not listed, see levels
	First uint64 `json:"first"`          // the numbers of the rows count from here
	Zero  int64  `json:"zero"`           // their times count from here, in microseconds since 1970
}

type gapFrame struct {
	Type   string `json:"type"`
	Epoch  string `json:"epoch"`
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Reason string `json:"reason"` // evicted: nobody has them; skipped: the API has them
}

type clearedFrame struct {
	Type  string `json:"type"`
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

type statsFrame struct {
	Type       string  `json:"type"`
	Epoch      string  `json:"epoch"`
	Rate       float64 `json:"rate"`
	Operations int     `json:"operations"`
	Requests   int     `json:"requests"`
	Bytes      int     `json:"bytes"`
	Evicted    uint64  `json:"evicted"`
	Recording  bool    `json:"recording"`
	Last       uint64  `json:"last"`
	LagUS      int64   `json:"lag_us"`
	Pace       string  `json:"pace"` // how much of the stream is sent: live, coalesced, sampled or summary
}

type problemFrame struct {
	Type    string `json:"type"`
	Epoch   string `json:"epoch"`
	Message string `json:"message"`
	Query   bool   `json:"query"`
}
