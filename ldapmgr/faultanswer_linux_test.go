// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// answerFaults are those of what a server answers, and how far it comes with it.
func answerFaults() []fault {
	return []fault{
		{row: "F10", name: "restart in the middle of a search", expect: "the whole answer from another server, or an error; 1 s",
			proofs: []proof{{"kill", slapdKilled}, {"restart under load", slapdRestarts}, {"cut everywhere", slapdCutAnswers}},
			told:   ldapmgr.ClassClosed, meets: meetsAlone(func(n *network, _ *witness) { on(wire.SearchResultEntry, cutHalf)(n.host(0), first()) })},
		{row: "F11", name: "reset in the middle of a message", expect: "asked again, class reset; 1 s",
			hit: on(wire.SearchResultEntry, reset), first: time.Second, later: time.Millisecond,
			proofs: []proof{{"alone", alone(on(wire.SearchResultEntry, reset), ldapmgr.ClassReset, instrument.ErrConnection)}},
			told:   ldapmgr.ClassReset},
		{row: "F12", name: "end behind the last entry", expect: "never taken for the whole; 1 s",
			hit: on(wire.SearchResultDone, cut), first: time.Second, later: time.Millisecond,
			proofs: []proof{{"alone", alone(on(wire.SearchResultDone, cut), ldapmgr.ClassClosed, instrument.ErrConnection)}},
			told:   ldapmgr.ClassClosed},
		{row: "F19", name: "busy", expect: "asked again on another server, and spared for a second; 0.3 s",
			hit: does(ldaptest.Action{Result: &wire.Reply{Code: 51}}), first: 300 * time.Millisecond, later: time.Millisecond,
			proofs: []proof{{"codes", busy}, {"spared", busyIsSpared}, {"retcode", slapdRetcode}},
			told:   ldapmgr.ClassBusy},
		{row: "F20", name: "a limit of the server", expect: "what came, the error beside it, and a hint",
			proofs: []proof{{"codes", serverLimits}},
			silent: "an answer; the search's own span, metric and row tell it", meets: meetsAlone(func(n *network, _ *witness) { does(ldaptest.Action{Result: &wire.Reply{Code: 4}})(n.host(0), always) })},
		{row: "F21", name: "slow drip", expect: "a message must come within 3 s; a healthy stream goes on",
			hit: on(wire.SearchResultDone, drip), first: 3100 * time.Millisecond, later: time.Millisecond,
			proofs: []proof{{"steady stream", steadyStream}},
			told:   ldapmgr.ClassTimeout},
		{row: "F22", name: "a huge entry", expect: "read whole within three times its size, or refused beyond the limit",
			proofs: []proof{{"size", hugeEntry}, {"memory", hugeEntryMemory}},
			told:   ldapmgr.ClassProtocol, meets: meets(at("ldap://own.test", hugeServer(20<<20)), quiet)},
		{row: "F23", name: "malformed answer", expect: "class protocol, the connection ends, asked again once; 10 ms",
			hit: does(ldaptest.Action{Raw: ldaptest.Garbage}), first: 10 * time.Millisecond, later: time.Millisecond,
			proofs: []proof{{"alone", alone(does(ldaptest.Action{Raw: ldaptest.Garbage}), ldapmgr.ClassProtocol, instrument.ErrMalformed)}},
			told:   ldapmgr.ClassProtocol},
		{row: "F24", name: "an answer twice", expect: "the connection ends, no call fails; 50 ms",
			hit: on(wire.SearchResultDone, twice), first: 50 * time.Millisecond, later: time.Millisecond,
			told: ldapmgr.ClassProtocol},
		{row: "F25", name: "notice of disconnection", expect: "the reason is told, the server spared; 50 ms",
			hit: does(ldaptest.Action{Notice: "going down"}), first: 50 * time.Millisecond, later: time.Millisecond,
			proofs: []proof{{"alone", alone(does(ldaptest.Action{Notice: "going down"}), ldapmgr.ClassNotice, instrument.ErrConnection)}},
			told:   ldapmgr.ClassNotice},
		{row: "F26", name: "idle timeout of the server", expect: "replaced without an error",
			proofs: []proof{{"in memory", serverClosesIdle}, {"slapd", slapdIdle}},
			silent: "servers end connections that rest, and nobody waits for them", meets: meetsAlone(func(n *network, _ *witness) { n.host(0).set(refusing); n.host(0).set(serving) })},
		{row: "F27", name: "hostile referral", expect: "data, never followed; 50 ms. Where it is to be followed, three times at most, within the time of one call",
			proofs: []proof{{"capture", referralCapture}, {"loop", referralsThatLeadNowhere}, {"ever new", referralMaze(0)}, {"slow", referralMaze(2500 * time.Millisecond)}},
			silent: "a reference is data, in the search's own span, metric and row", meets: meetsAlone(func(n *network, _ *witness) {
				does(ldaptest.Action{Result: &wire.Reply{Code: 10, Referrals: []string{"ldap://b.test"}}})(n.host(0), always)
			})},
		{row: "F30", name: "the paging cookie repeats", expect: "ended after 3 pages",
			proofs: []proof{{"circle", cookieCircle}},
			told:   ldapmgr.ClassProtocol, meets: meetsCircle},
	}
}

// alone proves how a call fails that always meets a fault and has no other server: with a class, an error to branch on, and
// never with part of an answer.
func alone(hit func(*host, turn), class ldapmgr.Class, target error) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := start(t, 1, small)
			d, _ := domain(t, n.config(1))
			took(t, search(t, d))
			hit(n.host(0), always)
			result, err := d.Search(t.Context(), people("(ou=people)"))
			if result != nil || !errors.Is(err, target) || ldapmgr.Classify(err) != class {
				t.Errorf("got %v, class %s: %v; want %v, class %s", result, ldapmgr.Classify(err), err, target, class)
			}
			n.host(0).mend()
			pause(3 * time.Second)
			took(t, search(t, d))
		})
	}
}

// serverLimits proves that the limits of a server give what came together with the error and a hint.
func serverLimits(t *testing.T) {
	t.Parallel()
	for code, hint := range map[int64]string{3: "time", 4: "paging", 11: "limit"} {
		synctest.Test(t, func(t *testing.T) {
			n := start(t, 2, small)
			d, _ := domain(t, n.config(2))
			took(t, search(t, d))
			does(ldaptest.Action{Result: &wire.Reply{Code: code}})(n.host(0), always)
			_, err := d.Search(t.Context(), people("(ou=people)"))
			if got, ok := instrument.ResultCode(err); !ok || got != code || ldapmgr.Classify(err) != ldapmgr.ClassAnswer {
				t.Errorf("code %d: got %v", code, err)
			}
			if got := ldapmgr.Hint(err); !strings.Contains(got, hint) {
				t.Errorf("code %d: the hint is %q, want something about %q", code, got, hint)
			}
			if s := d.Status(); s.Pool.Closed != 0 || s.Endpoints[0].State != ldapmgr.EndpointUp {
				t.Errorf("code %d: the server or the connection is blamed: %+v", code, s)
			}
		})
	}
}

// steadyStream proves that a stream that takes longer than every limit goes on as long as entries come.
func steadyStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 1, chaosDirectory)
		d, _ := domain(t, n.config(1))
		took(t, search(t, d))
		does(ldaptest.Action{PerEntry: time.Second})(n.host(0), always)
		begin, count := time.Now(), 0
		for _, err := range d.Entries(t.Context(), people("(ou=u*)"), 100) {
			if err != nil {
				t.Fatalf("after %d entries and %v: %v", count, time.Since(begin), err)
			}
			count++
		}
		if got := time.Since(begin); count != chaosEntries || got < 30*time.Second {
			t.Errorf("%d entries in %v", count, got)
		}
	})
}

// hugeServer answers searches, but not for the rootDSE, with one entry that has a value of so many bytes.
func hugeServer(size int) *host {
	return scripted(func(conn net.Conn, m wire.Message) bool {
		if s, err := wire.ParseSearch(m.Body); err == nil && m.Op == wire.SearchRequest && len(s.Base) > 0 {
			var e wire.Encoder
			e.Message(m.ID, func(e *wire.Encoder) {
				e.Entry("ou=people,"+suffix, func(add func(string, [][]byte)) { add("photo", [][]byte{bytes.Repeat([]byte("x"), size)}) })
			}, nil)
			_, _ = conn.Write(e.Bytes)
		}
		return succeeds(conn, m)
	})
}

// hugeEntry proves that an entry of 5 MiB is read, and that one beyond the limit is refused.
func hugeEntry(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	n := &network{hosts: map[string]*host{"a.test": hugeServer(size), "b.test": hugeServer(20 << 20)}}
	c := bound("ldap://a.test")
	c.Dial = n.dial
	c.Timeouts = ldapmgr.Timeouts{Idle: time.Minute, Call: time.Minute} // only the size counts
	d, _ := domain(t, c)
	result, err := d.Search(t.Context(), people("(ou=people)"))
	if err != nil || len(result.Entries) != 1 || len(result.Entries[0].GetAttributeValue("photo")) != size {
		t.Fatalf("the huge entry does not come: %v", err)
	}
	c.Servers = []string{"ldap://b.test"}
	d, _ = domain(t, c)
	if _, err := d.Search(t.Context(), people("(ou=people)")); !errors.Is(err, instrument.ErrLimit) || ldapmgr.Classify(err) != ldapmgr.ClassProtocol {
		t.Errorf("an entry of 20 MiB: %v, want ErrLimit", err)
	}
}

// referralCapture proves that no server is asked that a server names.
func referralCapture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		d, _ := domain(t, n.config(1))
		took(t, search(t, d))
		does(ldaptest.Action{Result: &wire.Reply{Code: ldap.LDAPResultReferral, Referrals: []string{"ldap://b.test/" + suffix}}})(n.host(0), always)
		begin := time.Now()
		_, err := d.Search(t.Context(), people("(ou=people)"))
		if code, _ := instrument.ResultCode(err); code != ldap.LDAPResultReferral || time.Since(begin) > 50*time.Millisecond {
			t.Errorf("got %v after %v, want a referral at once", err, time.Since(begin))
		}
		if got := n.host(1).dialed.Load(); got != 0 {
			t.Errorf("the server of the referral was dialled %d times", got)
		}
	})
}

// referralMaze is a server that always knows another place to look: a reference to itself that was never given before, after a
// wait. The search ends all the same, with an error.
func referralMaze(wait time.Duration) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			t.Cleanup(func() { pause(wait) }) // for the answer that nobody waits for any more
			var count atomic.Int64
			n := &network{hosts: map[string]*host{"a.test": scripted(func(conn net.Conn, m wire.Message) bool {
				s, err := wire.ParseSearch(m.Body)
				if err != nil || m.Op != wire.SearchRequest || len(s.Base) == 0 {
					return succeeds(conn, m)
				}
				asked := count.Add(1)
				if asked > 100 {
					return false
				}
				pause(wait)
				var e wire.Encoder
				e.Message(m.ID, func(e *wire.Encoder) { e.Reference(fmt.Sprintf("ldap://a.test/ou=%d,%s", asked, suffix)) }, nil)
				_, err = conn.Write(e.Bytes)
				return err == nil && succeeds(conn, m)
			})}}
			c := bound("ldap://a.test")
			c.Dial, c.Referrals = n.dial, []string{"EXAMPLE"}
			d, _ := domain(t, c)
			begin := time.Now()
			result, err := d.Search(t.Context(), people("(ou=people)"))
			asked, took, slow := count.Load(), time.Since(begin), 4*wait > 6*time.Second
			if took > 6*time.Second || err == nil || result == nil || asked > 4 {
				t.Errorf("%d searches, %v: %v, %v", asked, took, result, err)
			}
			if !slow && (asked != 4 || !errors.Is(err, ldapmgr.ErrReferralLimit)) {
				t.Errorf("%d searches, %v; want 4, and that there would have been more", asked, err)
			}
		})
	}
}

// circle is a server that sends the same page for ever.
func circle(pages *int) *host {
	return scripted(func(conn net.Conn, m wire.Message) bool {
		if m.Op != wire.SearchRequest || !m.HasControls() {
			return succeeds(conn, m)
		}
		*pages++
		var e wire.Encoder
		e.Message(m.ID, func(e *wire.Encoder) { e.Result(wire.SearchResultDone, wire.Reply{}) },
			[]wire.Control{{OID: wire.OIDPaging, Value: wire.Paging(0, []byte("again"))}})
		_, err := conn.Write(e.Bytes)
		return err == nil && *pages < 1000
	})
}

// cookieCircle proves that a search ends whose server sends the same page for ever.
func cookieCircle(t *testing.T) {
	t.Parallel()
	pages := 0
	n := &network{hosts: map[string]*host{"a.test": circle(&pages)}}
	d, _ := domain(t, n.config(1))
	if _, err := d.SearchPaged(t.Context(), people("(ou=people)"), 10); !errors.Is(err, instrument.ErrRepeatedCookie) || pages > 3 {
		t.Errorf("got %v after %d pages, want ErrRepeatedCookie after at most 3", err, pages)
	}
}
