// SPDX-License-Identifier: MIT

package main

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// rounds is the share of a unit from which three digits round to a whole one.
const rounds = 0.9995

// brief writes a duration with three digits.
func brief(d time.Duration) string {
	switch {
	case float64(d) >= rounds*float64(time.Second):
		return three(d.Seconds()) + " s"
	case d >= time.Millisecond:
		return three(float64(d)/1e6) + " ms"
	}
	return strconv.FormatInt(d.Microseconds(), 10) + " µs"
}

// latencyText writes microseconds that an operation took; none takes less than one, so 0 stands for no operation.
func latencyText(us int64) string {
	if us == 0 {
		return "-"
	}
	return brief(time.Duration(us) * time.Microsecond)
}

// The names of figures tell what they count.
const (
	timeName  = "_us"    // ends those of microseconds
	bytesName = "bytes_" // begins those of bytes
)

// figureText writes a counter in the unit that its name tells.
func figureText(name string, n uint64) string {
	switch {
	case strings.HasSuffix(name, timeName):
		return brief(time.Duration(n) * time.Microsecond)
	case strings.HasPrefix(name, bytesName):
		return bytesText(int64(min(n, math.MaxInt64)))
	}
	return strconv.FormatUint(n, 10)
}

// bytesText writes a number of bytes with three digits, in the decimal units of the page (bytes in web/assets/js/format.js).
func bytesText(n int64) string {
	for _, unit := range []struct {
		name  string
		bytes float64
	}{{"PB", 1e15}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if float64(n) >= rounds*unit.bytes {
			return three(float64(n)/unit.bytes) + " " + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + " B"
}

// three writes a number with at most three digits, or all before the point; powers of ten nobody reads.
func three(x float64) string {
	if x >= 99.95 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}
