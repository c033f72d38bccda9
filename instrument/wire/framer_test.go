// SPDX-License-Identifier: MIT

package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// message returns a sequence with the given number of length bytes (0 for the shortest form) and content.
func message(lengthBytes int, content []byte) []byte {
	if lengthBytes == 0 {
		var e wire.Encoder
		e.String(0x30, content)
		return e.Bytes
	}
	m := []byte{0x30, 0x80 | byte(lengthBytes)}
	for i := lengthBytes - 1; i >= 0; i-- {
		m = append(m, byte(uint64(len(content))>>(8*i)))
	}
	return append(m, content...)
}

// stream is a few messages of all header lengths.
func stream() [][]byte {
	return [][]byte{
		message(0, nil),
		message(0, []byte{2, 1, 7}),
		message(0, bytes.Repeat([]byte{1}, 127)),
		message(0, bytes.Repeat([]byte{2}, 128)),
		message(0, bytes.Repeat([]byte{3}, 256)),
		message(4, []byte{2, 1, 9}),
		message(8, []byte{2, 1, 9}),
	}
}

// frames reads everything that framer gives.
func frames(framer *wire.Framer) (messages [][]byte, err error) {
	for {
		m, err := framer.Next()
		if err != nil {
			return messages, err
		}
		messages = append(messages, bytes.Clone(m))
	}
}

// unlike says where two lists of messages differ, or "". It stands in for cmp.Diff, which takes seconds for many bytes under
// the race detector.
func unlike(want, got [][]byte) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			return fmt.Sprintf("message %d of %d bytes is one too many", i, len(got[i]))
		case i >= len(got):
			return fmt.Sprintf("message %d of %d bytes is missing", i, len(want[i]))
		case !bytes.Equal(want[i], got[i]):
			return fmt.Sprintf("message %d: %.40x, want %.40x", i, got[i], want[i])
		}
	}
	return ""
}

// pieces gives one piece per Read.
type pieces [][]byte

func (p *pieces) Read(b []byte) (int, error) {
	for len(*p) > 0 && len((*p)[0]) == 0 {
		*p = (*p)[1:]
	}
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	(*p)[0] = (*p)[0][n:]
	return n, nil
}

func TestFramerAtEverySplit(t *testing.T) {
	t.Parallel()
	want := stream()
	whole := slices.Concat(want...)
	for split := range len(whole) + 1 {
		got, err := frames(wire.NewFramer(&pieces{whole[:split], whole[split:]}, wire.Limits{}))
		if diff := unlike(want, got); diff != "" || !errors.Is(err, io.EOF) {
			t.Fatalf("split at %d: %v\n%s", split, err, diff)
		}
	}
}

func TestFramerReaders(t *testing.T) {
	t.Parallel()
	want := append(stream(), slices.Repeat([][]byte{message(0, bytes.Repeat([]byte{7}, 300))}, 200)...)
	want = append(want, message(0, bytes.Repeat([]byte{4}, 70_000)), message(0, []byte{5}), message(3, bytes.Repeat([]byte{6}, 16<<10)))
	tests := []struct {
		name   string
		reader func(io.Reader) io.Reader
	}{
		{"whole", func(r io.Reader) io.Reader { return r }},
		{"one byte at a time", iotest.OneByteReader},
		{"half of what is asked", iotest.HalfReader},
		{"error with the last data", iotest.DataErrReader},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := frames(wire.NewFramer(test.reader(bytes.NewReader(slices.Concat(want...))), wire.Limits{}))
			if diff := unlike(want, got); diff != "" || !errors.Is(err, io.EOF) {
				t.Fatalf("%v\n%s", err, diff)
			}
		})
	}
}

func TestFramerAtEveryCut(t *testing.T) {
	t.Parallel()
	messages := stream()
	whole := slices.Concat(messages...)
	for cut := range len(whole) + 1 {
		var want [][]byte
		end := 0
		for _, m := range messages {
			if end+len(m) > cut {
				break
			}
			want, end = append(want, m), end+len(m)
		}
		wantErr := io.ErrUnexpectedEOF
		if cut == end {
			wantErr = io.EOF
		}
		got, err := frames(wire.NewFramer(bytes.NewReader(whole[:cut]), wire.Limits{}))
		if diff := unlike(want, got); diff != "" || !errors.Is(err, wantErr) {
			t.Fatalf("cut at %d: error %v, want %v\n%s", cut, err, wantErr, diff)
		}
	}
}

func TestFramerRefuses(t *testing.T) {
	t.Parallel()
	limits := wire.Limits{MessageBytes: 1000}
	tests := []struct {
		name  string
		input []byte
		want  error
	}{
		{"at the limit", message(0, make([]byte, 996)), nil},
		{"one byte above the limit", message(0, make([]byte, 997)), wire.ErrLimit},
		{"the header counts", message(8, make([]byte, 991)), wire.ErrLimit},
		{"above the limit, only the header came", []byte{0x30, 0x82, 0x03, 0xe5}, wire.ErrLimit},
		{"2 GiB", []byte{0x30, 0x84, 0x80, 0, 0, 0}, wire.ErrLimit},
		{"all bits of the length", []byte{0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255}, wire.ErrLimit},
		{"a length that would overflow", []byte{0x30, 0x88, 0x7f, 255, 255, 255, 255, 255, 255, 255}, wire.ErrLimit},
		{"nine length bytes", message(9, nil), wire.ErrMalformed},
		{"indefinite length", []byte{0x30, 0x80, 0, 0}, wire.ErrMalformed},
		{"reserved length", []byte{0x30, 0xff}, wire.ErrMalformed},
		{"no sequence", []byte{0x04, 1, 0}, wire.ErrMalformed},
		{"primitive sequence", []byte{0x10, 1, 0}, wire.ErrMalformed},
		{"a TLS hello", []byte{0x16, 0x03, 0x01, 0x02, 0x00}, wire.ErrMalformed},
		{"long tag", []byte{0x3f, 0x81, 0x01, 0}, wire.ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// A reader that blocks would hang a Framer that asks for more than the header before it refuses.
			input := io.MultiReader(bytes.NewReader(test.input), iotest.ErrReader(errors.New("asked for more")))
			if _, err := wire.NewFramer(input, limits).Next(); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func TestFramerKeepsNeighbourSafe(t *testing.T) {
	t.Parallel()
	messages := stream()
	framer := wire.NewFramer(bytes.NewReader(slices.Concat(messages...)), wire.Limits{})
	first, err := framer.Next()
	if err != nil {
		t.Fatal(err)
	}
	_ = append(first, 0xff, 0xff)
	if second, err := framer.Next(); err != nil || !bytes.Equal(second, messages[1]) {
		t.Errorf("appending to one message changed the next: %x, %v", second, err)
	}
}

func TestFramerReset(t *testing.T) {
	t.Parallel()
	messages := stream()
	framer := wire.NewFramer(bytes.NewReader(slices.Concat(messages...)), wire.Limits{})
	if _, err := framer.Next(); err != nil {
		t.Fatal(err)
	}
	if want := len(slices.Concat(messages[1:]...)); framer.Buffered() != want {
		t.Errorf("%d bytes buffered, want %d", framer.Buffered(), want)
	}
	other := message(0, []byte("behind TLS"))
	framer.Reset(bytes.NewReader(other))
	if framer.Buffered() != 0 {
		t.Errorf("%d bytes buffered after Reset", framer.Buffered())
	}
	got, err := frames(framer)
	if diff := unlike([][]byte{other}, got); diff != "" || !errors.Is(err, io.EOF) {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestFramerPassesErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, arrived := range []int{0, 1, 4} {
		t.Run(fmt.Sprint(arrived), func(t *testing.T) {
			t.Parallel()
			input := io.MultiReader(bytes.NewReader(message(0, make([]byte, 9))[:arrived]), iotest.ErrReader(broken))
			if _, err := wire.NewFramer(input, wire.Limits{}).Next(); !errors.Is(err, broken) {
				t.Errorf("error %v, want %v", err, broken)
			}
		})
	}
}

// allocated returns how many bytes run allocates. It is not for parallel tests.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A header that promises 2 GiB costs what has arrived, even where the limit allows that much.
func TestFramerPromiseCostsNothing(t *testing.T) { // not parallel, it measures the process
	promise := append([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, make([]byte, 20_000)...)
	framer := wire.NewFramer(bytes.NewReader(promise), wire.Limits{MessageBytes: math.MaxInt})
	var err error
	if cost := allocated(func() { _, err = framer.Next() }); cost > 128<<10 {
		t.Errorf("%d bytes allocated for %d that came", cost, len(promise))
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v, want %v", err, io.ErrUnexpectedEOF)
	}
}

// zeros is an endless reader that holds no memory.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// live returns the bytes in use. It is not for parallel tests.
func live() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// A large message costs a small multiple of its size, and its buffer is given back once small messages follow.
func TestFramerGivesLargeBufferBack(t *testing.T) { // not parallel, it measures the process
	const large = 8 << 20
	before := live()
	small := &pieces{message(0, []byte{1}), message(0, []byte{2})}
	input := io.MultiReader(bytes.NewReader([]byte{0x30, 0x84, 0, large >> 16, 0, 0}), io.LimitReader(zeros{}, large), small)
	framer := wire.NewFramer(input, wire.Limits{})
	cost := allocated(func() {
		if m, err := framer.Next(); err != nil || len(m) != large+6 {
			t.Fatalf("%d bytes, %v", len(m), err)
		}
	})
	if cost > 3*large {
		t.Errorf("%d bytes allocated for a message of %d", cost, large)
	}
	if _, err := framer.Next(); err != nil {
		t.Fatal(err)
	}
	if kept := live() - before; kept > 1<<20 {
		t.Errorf("%d bytes kept after a large message", kept)
	}
	if _, err := framer.Next(); err != nil {
		t.Fatal(err)
	}
}
