// SPDX-License-Identifier: MIT

package instrument_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Everything that is kept of an operation reaches its readers.
func TestRowsAreWhole(t *testing.T) {
	t.Parallel()
	for _, name := range missing(reflect.ValueOf(instrument.FilledRow(time.Now())), "") {
		if name != ".EntryList" && name != ".Bind.Mechanism" { // the first is decoded for who asks, the other is of another kind of bind
			t.Errorf("%s is missing", name)
		}
	}
}

// missing names the fields below v that are zero.
func missing(v reflect.Value, path string) (names []string) {
	switch {
	case v.IsZero():
		return []string{path}
	case v.Kind() == reflect.Pointer:
		return missing(v.Elem(), path)
	case v.Type() == reflect.TypeFor[time.Time](), v.Kind() != reflect.Struct:
		return nil
	}
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() {
			names = append(names, missing(v.Field(i), path+"."+field.Name)...)
		}
	}
	return names
}

// What has come in is counted while an operation goes on, not only at its end.
func TestTrafficIsCountedMeanwhile(t *testing.T) {
	t.Parallel()
	scope := instrument.New()
	goOn := make(chan struct{})
	c := dial(t, scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			for i := range 3 {
				s.entry(m, fmt.Sprintf("cn=%d,dc=x", i), "cn", "a")
			}
			<-goOn
			s.answer(m, 0)
		}
	}))
	done := make(chan error, 1)
	go func() { _, err := c.Search(t.Context(), search("(cn=a)")); done <- err }()
	received := func() uint64 { return scope.Snapshots()[0].Usage.MessagesReceived }
	eventually(t, "three entries are counted", func() bool { return received() == 3 })
	close(goOn)
	if err := <-done; err != nil || received() != 4 {
		t.Errorf("%d messages, error %v", received(), err)
	}
}

// An operation ends with its connection when its last answer makes no sense.
func TestSenselessAnswersEndTheirOperations(t *testing.T) {
	t.Parallel()
	answers := map[string][]byte{
		"a result of another kind": {0x30, 12, 2, 1, 0, byte(wire.BindResponse), 7, 10, 1, 0, 4, 0, 4, 0},
		"a negative code":          {0x30, 12, 2, 1, 0, byte(wire.DelResponse), 7, 10, 1, 0xff, 4, 0, 4, 0},
		"no code":                  {0x30, 5, 2, 1, 0, byte(wire.DelResponse), 0},
	}
	for name, raw := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope := instrument.New()
			c := dial(t, scope, serve(t, func(s *session) {
				for m, ok := s.next(); ok; m, ok = s.next() {
					raw[4] = byte(m.ID)
					s.send(raw...)
				}
			}))
			err := within(patience, func() error { return c.Delete(t.Context(), deletion("/a")) })
			if err == nil {
				t.Error("no error")
			}
			op := only(t, scope, instrument.KindDelete)
			if op.State != instrument.StateError || op.Result.Error != instrument.ErrorMalformed || op.BytesReceived != int64(len(raw)) {
				t.Errorf("it ended as %v, %+v, with %d bytes of %d", op.State, op.Result, op.BytesReceived, len(raw))
			}
			if u := scope.Snapshots()[0].Usage; u.MessagesReceived != 1 || u.BytesReceived != uint64(len(raw)) || u.MalformedMessages != 1 {
				t.Errorf("counted as %d messages, %d bytes, %d malformed", u.MessagesReceived, u.BytesReceived, u.MalformedMessages)
			}
		})
	}
}

// The words of an answer count to the memory of the recorder.
func TestWordsAreCounted(t *testing.T) {
	t.Parallel()
	const words, times = 2000, 50
	scope := bounded(100, 0)
	c := dial(t, scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			s.message(m.ID, func(e *wire.Encoder) {
				e.Result(wire.DelResponse, wire.Reply{Code: 53, Diagnostic: strings.Repeat("x", words)})
			})
		}
	}))
	for range times {
		if err := c.Delete(t.Context(), deletion("/a")); err == nil {
			t.Fatal("no error")
		}
	}
	if held := scope.Recorder().Stats().Bytes; held < times*words {
		t.Errorf("%d answers of %d bytes each count as %d bytes", times, words, held)
	}
}
