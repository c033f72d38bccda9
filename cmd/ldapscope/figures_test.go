// SPDX-License-Identifier: MIT

package main

import (
	"testing"
	"time"
)

// TestFigures holds durations and sizes to three digits and to no powers of ten.
func TestFigures(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 µs", 999 * time.Microsecond: "999 µs", 1500 * time.Microsecond: "1.5 ms", 12345 * time.Microsecond: "12.3 ms", 999600 * time.Microsecond: "1 s",
		1200 * time.Millisecond: "1.2 s", 56500 * time.Millisecond: "56.5 s", 1234 * time.Second: "1234 s", 36 * time.Hour: "129600 s",
	} {
		if got := brief(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1500: "1.5 kB", 81_900: "81.9 kB", 999_600: "1 MB", 5e9: "5 GB", 1234e9: "1.23 TB", 1234e15: "1234 PB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d bytes are written %q, want %q", n, got, want)
		}
	}
	for name, want := range map[string]string{"bytes_received": "1.5 kB", "pool_wait_us": "1.5 ms", "operations": "1500"} {
		if got := figureText(name, 1500); got != want {
			t.Errorf("1500 %s are written %q, want %q", name, got, want)
		}
	}
	if got := figureText("bytes_received", 1<<64-1); got != "9223 PB" {
		t.Errorf("the most bytes are written %q", got)
	}
	for us, want := range map[int64]string{0: "-", 1500: "1.5 ms"} {
		if got := latencyText(us); got != want {
			t.Errorf("a latency of %d µs is written %q, want %q", us, got, want)
		}
	}
}

// TestAmounts reads sizes in the units in which they are written, as powers of 1000; those of 1024 have the names that say so.
func TestAmounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]amount{
		"1": 1, "7B": 7, "1kB": 1e3, "1KB": 1e3, "1k": 1e3, "2M": 2e6, "1.5 MB": 1.5e6, "3G": 3e9, "1TB": 1e12, "1KiB": 1 << 10, "2MiB": 2 << 20, "1GiB": 1 << 30, "1TiB": 1 << 40,
	} {
		var got amount
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%q is read as %d (%v), want %d", text, got, err, want)
		}
	}
}
