// SPDX-License-Identifier: MIT

package instrument_test

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/instrument"
)

// twoStacks are one call stack as the observer takes it and as the runtime does.
type twoStacks struct{ walked, known []instrument.Frame }

func (s *twoStacks) take() {
	s.walked = instrument.Walked()[1:] // from who called this on
	counters := make([]uintptr, 2*instrument.CallerDepth)
	frames := runtime.CallersFrames(counters[:runtime.Callers(2, counters)])
	for {
		f, more := frames.Next()
		s.known = append(s.known, instrument.Frame{Function: f.Function, File: f.File, Line: f.Line})
		if !more {
			return
		}
	}
}

type caller struct{ s *twoStacks }

func (c caller) method() { c.s.take() }

//go:noinline
func deep(depth int, then func()) {
	var room [512]byte
	if depth > 0 {
		deep(depth-1, then)
		room[depth%len(room)]++
		runtime.KeepAlive(&room)
		return
	}
	then()
}

func inlined(then func()) { then() }

func generic[T any](v T, then func(T)) { then(v) }

// A call stack is the one that the runtime would give, wherever it is taken.
func TestStacks(t *testing.T) {
	t.Parallel()
	ways := map[string]func(*twoStacks){
		"here":         func(s *twoStacks) { s.take() },
		"inlined":      func(s *twoStacks) { inlined(func() { inlined(s.take) }) },
		"method value": func(s *twoStacks) { f := caller{s}.method; f() },
		"generic":      func(s *twoStacks) { generic(s, func(s *twoStacks) { generic(s, (*twoStacks).take) }) },
		"reflection":   func(s *twoStacks) { reflect.ValueOf(caller{s}.method).Call(nil) },
		"deferred":     func(s *twoStacks) { defer s.take() },
		"goroutine": func(s *twoStacks) {
			var wait sync.WaitGroup
			wait.Go(s.take)
			wait.Wait()
		},
		"panic": func(s *twoStacks) {
			defer func() { _ = recover() }()
			defer s.take()
			panic("taken while it falls")
		},
		"10 deep":   func(s *twoStacks) { deep(10, s.take) },
		"100 deep":  func(s *twoStacks) { deep(100, s.take) },
		"2000 deep": func(s *twoStacks) { deep(2000, s.take) },
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s twoStacks
			way(&s)
			known := s.known[:min(len(s.known), len(s.walked))]
			if !slices.Equal(s.walked, known) || len(s.walked) < min(len(s.known), instrument.CallerDepth-5) {
				t.Errorf("walked %v\nknown  %v", s.walked, s.known)
			}
		})
	}
}

// Stacks that grow, shrink and are moved by the collector are walked as well.
func TestStacksThatMove(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	var collecting, walking sync.WaitGroup
	collecting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	for range 8 {
		walking.Go(func() {
			for i := range 300 {
				deep(i%97*3, func() {
					if walked := instrument.Walked(); len(walked) < 3 || !strings.Contains(walked[0].Function, "TestStacksThatMove") || !strings.HasSuffix(walked[1].Function, ".deep") {
						t.Errorf("walked %v", walked)
					}
				})
			}
		})
	}
	walking.Wait()
	close(stop)
	collecting.Wait()
}
