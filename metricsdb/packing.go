// SPDX-License-Identifier: MIT

package metricsdb

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

const packedLatency = 1 // first byte of a packed latency: the form that follows

var errPacked = errors.New("packed latency is cut or altered")

// packLatency writes histograms as variable-length integers, kinds in order of name and empty buckets left out: form, number
// of kinds, then of each kind its name with length, count, sum and max in nanoseconds, number of filled buckets, and of each
// the distance from the one before and its count.
func packLatency(byKind map[string]instrument.Latency) []byte {
	out := []byte{packedLatency}
	out = binary.AppendUvarint(out, uint64(len(byKind)))
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		l := byKind[kind]
		out = binary.AppendUvarint(out, uint64(len(kind)))
		out = append(out, kind...)
		out = binary.AppendUvarint(out, l.Count)
		out = binary.AppendVarint(out, int64(l.Sum))
		out = binary.AppendVarint(out, int64(l.Max))
		filled := 0
		for _, n := range l.Buckets {
			if n != 0 {
				filled++
			}
		}
		out = binary.AppendUvarint(out, uint64(filled))
		last := 0
		for i, n := range l.Buckets {
			if n != 0 {
				out = binary.AppendUvarint(binary.AppendUvarint(out, uint64(i-last)), n)
				last = i
			}
		}
	}
	return out
}

// unpacker reads what packLatency has written; after the first error everything is zero.
type unpacker struct {
	rest []byte
	err  error
}

func (u *unpacker) uint() uint64 {
	v, n := binary.Uvarint(u.rest)
	return took(u, v, n)
}

func (u *unpacker) duration() time.Duration {
	v, n := binary.Varint(u.rest)
	return time.Duration(took(u, v, n))
}

func took[T int64 | uint64](u *unpacker, v T, n int) T {
	if n <= 0 || u.err != nil {
		u.err = errPacked
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

func (u *unpacker) text() string {
	n := u.uint()
	if n > uint64(len(u.rest)) {
		u.err = errPacked
		return ""
	}
	s := string(u.rest[:n])
	u.rest = u.rest[n:]
	return s
}

func unpackLatency(data []byte) (map[string]instrument.Latency, error) {
	if len(data) == 0 || data[0] != packedLatency {
		return nil, errPacked
	}
	u := &unpacker{rest: data[1:]}
	byKind := map[string]instrument.Latency{}
	for n := u.uint(); n > 0 && u.err == nil; n-- {
		kind := u.text()
		l := instrument.Latency{Count: u.uint(), Sum: u.duration(), Max: u.duration()}
		at := uint64(0)
		for filled := u.uint(); filled > 0 && u.err == nil; filled-- {
			if at += u.uint(); at >= instrument.LatencyBuckets {
				return nil, errPacked
			}
			l.Buckets[at] = u.uint()
		}
		byKind[kind] = l
	}
	if u.err == nil && len(u.rest) > 0 {
		u.err = errPacked
	}
	return byKind, u.err
}
