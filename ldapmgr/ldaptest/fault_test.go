// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

const searchAll = `search @ sub "(cn=*)" 1.1`

const allFound = "  cn=one,dc=example,dc=org\n  cn=three,dc=example,dc=org\n  cn=two,dc=example,dc=org\n  = 0\n"

func TestFaults(t *testing.T) {
	t.Parallel()
	search := func(a ldaptest.Action) ldaptest.Fault { return ldaptest.On(wire.SearchRequest, ldaptest.Always(a)) }
	tests := []struct {
		name  string
		fault ldaptest.Fault
		want  string
		after time.Duration // when the answer comes
	}{
		{name: "none", want: allFound},
		{name: "delay", fault: ldaptest.Delay(3 * time.Second), want: allFound, after: 3 * time.Second},
		{name: "delays add up", fault: ldaptest.Combine(ldaptest.Delay(time.Second), ldaptest.Delay(time.Second)), want: allFound, after: 2 * time.Second},
		{name: "drop", fault: search(ldaptest.Action{Drop: true}), want: "  closed\n"},
		{name: "notice", fault: search(ldaptest.Action{Notice: "bye"}), want: "  notice = 52 oid 1.3.6.1.4.1.1466.20036\n  closed\n"},
		{name: "huge code", fault: search(ldaptest.Action{Result: &wire.Reply{Code: 65536}}), want: "  = 65536\n"},
		{name: "result with a delay", fault: search(ldaptest.Action{Delay: time.Second, Result: &wire.Reply{Code: 52}}), want: "  = 52\n", after: time.Second},
		{name: "wrong tag", fault: search(ldaptest.Action{Tag: wire.AddResponse}), want: allFound},
		{name: "cut in the second entry", fault: search(ldaptest.Action{CutEntry: 2}), want: "  cn=one,dc=example,dc=org\n  closed\n"},
		{name: "trickle", fault: search(ldaptest.Action{PerEntry: time.Second}), want: allFound, after: 3 * time.Second},
		{name: "another operation", fault: ldaptest.On(wire.BindRequest, ldaptest.Always(ldaptest.Action{Drop: true})), want: allFound},
		{name: "second message", fault: ldaptest.At(2, ldaptest.Always(ldaptest.Action{Drop: true})), want: allFound},
		{
			name: "by filter", want: "  = 80\n",
			fault: ldaptest.When(func(r ldaptest.Request) bool { return strings.Contains(r.Filter, "cn=*") && r.DN == suffix },
				ldaptest.Always(ldaptest.Action{Result: &wire.Reply{Code: 80}})),
		},
		{
			name: "the first of several that asks for something", want: "  = 80\n", after: time.Second,
			fault: ldaptest.Combine(ldaptest.Delay(time.Second), search(ldaptest.Action{Result: &wire.Reply{Code: 80}}), search(ldaptest.Action{Drop: true})),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, ldaptest.Config{Fault: test.fault})
				s := b.dial()
				start := time.Now()
				if diff := cmp.Diff(test.want, s.run(searchAll)); diff != "" {
					t.Errorf("want (-) and got (+):\n%s", diff)
				}
				if took := time.Since(start); took != test.after {
					t.Errorf("answered after %v, want %v", took, test.after)
				}
				s.close()
				b.stop()
			})
		})
	}
}

func TestWrongTag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, ldaptest.Config{Fault: ldaptest.Always(ldaptest.Action{Tag: wire.AddResponse})})
		s := b.dial()
		s.send(wire.BindRequest, "bind anonymous")
		raw, err := s.framer.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m, err := wire.ParseMessage(raw); err != nil || m.Op != wire.AddResponse {
			t.Errorf("the answer has tag %#x, error %v; want %#x", m.Op, err, wire.AddResponse)
		}
		s.close()
		b.stop()
	})
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, ldaptest.Config{Fault: ldaptest.Always(ldaptest.Action{Raw: ldaptest.Garbage})})
		s := b.dial()
		s.send(wire.SearchRequest, searchAll)
		raw, err := s.framer.Next()
		if err == nil {
			err = wire.Scan(raw, wire.DefaultLimits)
		}
		if err == nil {
			t.Errorf("the answer is a message: % x", raw)
		}
		s.close()
		b.stop()
	})
}

func TestSetFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, ldaptest.Config{Latency: func(r ldaptest.Request) time.Duration {
			if r.Op == wire.SearchRequest {
				return time.Second
			}
			return 0
		}})
		s := b.dial()
		start := time.Now()
		s.run("bind root")
		if took := time.Since(start); took != 0 {
			t.Errorf("a bind took %v, only searches are slow", took)
		}
		s.run(searchAll)
		b.dir.SetFault(ldaptest.Delay(time.Minute))
		s.run(searchAll)
		b.dir.SetFault(nil)
		s.run(searchAll)
		if took := time.Since(start); took != time.Minute+3*time.Second {
			t.Errorf("three searches took %v, want 1m3s", took)
		}
		s.close()
		b.stop()
	})
}

// TestAbandonEndsASlowSearch would wait an hour, or deadlock, if the abandon did not reach the search.
func TestAbandonEndsASlowSearch(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]ldaptest.Action{
		"waiting": {Delay: time.Hour}, "hanging": {Hang: true}, "trickling": {PerEntry: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, ldaptest.Config{Fault: ldaptest.On(wire.SearchRequest, ldaptest.Always(slow))})
				s := b.dial()
				start := time.Now()
				s.send(wire.SearchRequest, searchAll)
				synctest.Wait()
				s.send(wire.AbandonRequest, "abandon")
				if got := s.run("whoami"); got != "  = 0\n" {
					t.Errorf("the request behind the abandoned one got %q", got)
				}
				b.stop() // waits for the search
				if took := time.Since(start); took > time.Second {
					t.Errorf("the search ended after %v", took)
				}
				if n := b.dir.Requests(wire.AbandonRequest); n != 1 {
					t.Errorf("%d abandons were counted", n)
				}
				s.close()
			})
		})
	}
}

func TestCancelAnswersTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, ldaptest.Config{Fault: ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Hang: true}))})
		s := b.dial()
		s.send(wire.SearchRequest, searchAll)
		synctest.Wait()
		s.send(wire.ExtendedRequest, `extended 1.3.6.1.1.8 "0\x03\x02\x01\x01"`)
		codes := map[int64]int64{}
		for range 2 {
			raw, err := s.framer.Next()
			if err != nil {
				t.Fatal(err)
			}
			m, _ := wire.ParseMessage(raw)
			r, err := wire.ParseResult(m.Op, m.Body)
			if err != nil {
				t.Fatal(err)
			}
			codes[m.ID] = r.Code
		}
		if diff := cmp.Diff(map[int64]int64{1: 118, 2: 0}, codes); diff != "" {
			t.Errorf("codes by message, want (-) and got (+):\n%s", diff)
		}
		if got := s.run(`extended 1.3.6.1.1.8 "0\x03\x02\x01\x09"`); got != "  = 119\n" {
			t.Errorf("cancelling what does not run: %q", got)
		}
		s.close()
		b.stop()
	})
}

func TestTimeLimitEndsADelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, ldaptest.Config{Fault: ldaptest.Delay(time.Minute)})
		s := b.dial()
		start := time.Now()
		if got := s.run(`search @ sub "(cn=*)" time=2 1.1`); got != "  = 3\n" {
			t.Errorf("got %q, want code 3", got)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("answered after %v, want the limit of 2s", took)
		}
		s.close()
		b.stop()
	})
}
