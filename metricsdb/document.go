// SPDX-License-Identifier: MIT

package metricsdb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

const (
	documentFormat = 1
	documentLimit  = 64 << 20 // bytes; a larger file is no spool of ours
	trailerLength  = len(`{"crc32c":"00000000"}` + "\n")
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

var (
	errHeld        = errors.New("held by a live process")
	errTorn        = errors.New("torn or altered")
	errNewerFormat = errors.New("written by a newer version")
)

// document is what a spool file holds: everything one process has to say, whole. Snapshots are the newest of each domain;
// Points are older ones that the database has not got yet.
type document struct {
	Format     int                   `json:"format"`
	Run        instrument.Run        `json:"run"`
	Checkpoint time.Time             `json:"checkpoint"`
	Clean      bool                  `json:"clean"`
	Dropped    uint64                `json:"dropped"` // points given up because the database could not be written for long
	Snapshots  []instrument.Snapshot `json:"snapshots"`
	Points     []instrument.Snapshot `json:"points,omitempty"`
}

// encode writes the document as one line of JSON and a second line with its checksum.
func (d *document) encode(to *bytes.Buffer) error {
	to.Reset()
	if err := json.NewEncoder(to).Encode(d); err != nil {
		return err
	}
	_, err := fmt.Fprintf(to, "{\"crc32c\":\"%08x\"}\n", crc32.Checksum(to.Bytes(), crcTable))
	return err
}

// decodeDocument returns errTorn for anything that encode has not written in this form, and errNewerFormat for a later one.
func decodeDocument(data []byte) (document, error) {
	var d document
	end := len(data) - trailerLength
	if end < 0 {
		return d, errTorn
	}
	body := data[:end]
	if want := fmt.Sprintf("{\"crc32c\":\"%08x\"}\n", crc32.Checksum(body, crcTable)); string(data[end:]) != want {
		return d, errTorn
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return d, fmt.Errorf("%w: %w", errTorn, err)
	}
	if head.Format > documentFormat {
		return d, errNewerFormat
	}
	if err := json.Unmarshal(body, &d); err != nil {
		return d, fmt.Errorf("%w: %w", errTorn, err)
	}
	d.Run.Start, d.Run.End, d.Checkpoint = cut(d.Run.Start), cut(d.Run.End), cut(d.Checkpoint)
	for _, list := range [][]instrument.Snapshot{d.Points, d.Snapshots} {
		for i := range list {
			if list[i].Seq > math.MaxInt64 {
				return d, fmt.Errorf("%w: sequence number %d", errTorn, list[i].Seq)
			}
			cutSnapshot(&list[i])
		}
	}
	return d, nil
}

// cut brings a time to the precision of the database, so that a run reads the same before and after it is merged.
func cut(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

func cutSnapshot(s *instrument.Snapshot) {
	s.At, s.Elapsed = cut(s.At), s.Elapsed.Truncate(time.Microsecond)
	for _, t := range usageTimes {
		*t.field(&s.Usage) = cut(*t.field(&s.Usage))
	}
	s.Pool.WaitTime = s.Pool.WaitTime.Truncate(time.Microsecond)
	for i := range s.Shapes {
		p := &s.Shapes[i]
		p.Total, p.Max, p.LastSeen = p.Total.Truncate(time.Microsecond), p.Max.Truncate(time.Microsecond), cut(p.LastSeen)
		p.Domain = s.Domain
	}
}

// all returns the points and then the newest snapshots.
func (d *document) all() []instrument.Snapshot {
	return append(append(make([]instrument.Snapshot, 0, len(d.Points)+len(d.Snapshots)), d.Points...), d.Snapshots...)
}

// close turns the document of a process that is gone into its final form: without the clean mark it ended at its last
// checkpoint.
func (d *document) close() {
	if d.Clean {
		d.Run.Ended = instrument.RunClean
		return
	}
	d.Run.Ended, d.Run.End = instrument.RunUnclean, d.Checkpoint
}
