// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// childMemory tells the test, run as a process of its own, that it is to measure.
const childMemory = "LDAPMGR_TEST_CHILD_MEMORY"

// hugeEntryMemory reads a value of 5 MiB and a group of 100,000 in a process in which nothing else goes on, and proves that
// the heap never holds more for it than three times the bytes on the wire, 1 MiB and 300 bytes for each value.
func hugeEntryMemory(t *testing.T) {
	t.Parallel()
	if os.Getenv(childMemory) != "" {
		value := bytes.Repeat([]byte("x"), 5<<20)
		measure(t, "photo", [][]byte{value})
		members := make([][]byte, 100_000)
		for i := range members {
			members[i] = fmt.Appendf(nil, "uid=u%d,ou=people,%s", i, suffix)
		}
		measure(t, "member", members)
		return
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaults$/^F22$/^memory$", "-test.v", "-test.timeout=60s")
	child.Env = append(os.Environ(), childMemory+"=1")
	out, err := child.CombinedOutput()
	if err != nil || bytes.Count(out, []byte("bytes on the wire")) != 2 {
		t.Errorf("%v:\n%s", err, out)
	}
}

// prepared answers every search below the base with the same bytes, made ahead.
func prepared(t *testing.T, attribute string, values [][]byte) (url string, size int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	const first = 0x20000000 // of the numbers of searches that package instrument sends itself
	made := map[int64][]byte{}
	for i := range int64(10) { // more than are asked before
		var e wire.Encoder
		e.Message(first+i, func(e *wire.Encoder) {
			e.Entry("cn=huge,"+suffix, func(add func(string, [][]byte)) { add(attribute, values) })
		}, nil)
		made[first+i], size = e.Bytes, len(e.Bytes)
	}
	go func() { // ends with the listener
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		framer := wire.NewFramer(conn, wire.DefaultLimits)
		for {
			raw, err := framer.Next()
			if err != nil {
				return
			}
			m, err := wire.ParseMessage(raw)
			if err != nil {
				return
			}
			if s, err := wire.ParseSearch(m.Body); err == nil && m.Op == wire.SearchRequest && len(s.Base) > 0 {
				_, _ = conn.Write(made[m.ID])
			}
			if !succeeds(conn, m) {
				return
			}
		}
	}()
	return "ldap://" + listener.Addr().String(), size
}

func measure(t *testing.T, attribute string, values [][]byte) {
	t.Helper()
	url, size := prepared(t, attribute, values)
	c := bound(url)
	c.Timeouts = ldapmgr.Timeouts{Idle: time.Minute, Call: time.Minute}
	d, _ := domain(t, c)
	if err := d.Preload(t.Context()); err != nil {
		t.Fatal(err)
	}
	request := people("(cn=huge)")
	request.Attributes = nil
	took, most := math.MaxInt, 3*size+1<<20+300*len(values)
	for range 3 { // the least, because the collector may come late
		peak := watchHeap()
		result, err := d.Search(t.Context(), request)
		took = min(took, peak())
		if err != nil || len(result.Entries) != 1 || len(result.Entries[0].GetRawAttributeValues(attribute)) != len(values) {
			t.Fatalf("the huge entry does not come: %v", err)
		}
	}
	if took > most {
		t.Errorf("%s: the heap grew by %d bytes, want at most %d", attribute, took, most)
	}
	t.Logf("%s: the heap grew by %d bytes of %d, %d bytes on the wire", attribute, took, most, size)
}

// watchHeap collects garbage all the time, and returns what tells by how much the heap has grown at most since.
func watchHeap() (peak func() int) {
	percent := debug.SetGCPercent(1)
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() int { metrics.Read(sample); return int(sample[0].Value.Uint64()) }
	before, most := heap(), 0
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			most = max(most, heap()-before)
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
	}()
	return func() int { close(stop); <-stopped; debug.SetGCPercent(percent); return most }
}
