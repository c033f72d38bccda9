// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

var (
	everywhere = flag.Bool("everywhere", false, "damage a recorded session at every byte and bit, not at a sample of them")
	damageSeed = flag.Uint64("damage.seed", 0, "choose the sample of damages again; 0 chooses a new one")
)

// step is one operation of a recorded session: what the client does, and what it must have got when it succeeds.
type step struct {
	name   string
	answer []byte
	run    func(context.Context, *instrument.Client) error
}

var errShort = errors.New("success without all of the answer")

// people is the answer to a search: entries with several attributes and values, a reference, and the end.
func people(id int64, cookie string) []byte {
	var e wire.Encoder
	for i := range 3 {
		e.Message(id, func(e *wire.Encoder) {
			e.Entry(fmt.Sprintf("uid=user%d,dc=example,dc=org", i), func(add func(string, [][]byte)) {
				add("cn", [][]byte{[]byte("Ada"), []byte("Lovelace")})
				add("mail", [][]byte{[]byte("ada@example.org")})
			})
		}, nil)
	}
	e.Message(id, func(e *wire.Encoder) { e.Reference("ldap://other.example.org/dc=other") }, nil)
	var controls []wire.Control
	if cookie != "none" {
		controls = []wire.Control{{OID: wire.OIDPaging, Value: wire.Paging(0, []byte(cookie))}}
	}
	e.Message(id, func(e *wire.Encoder) { e.Result(wire.SearchResultDone, wire.Reply{}) }, controls)
	return e.Bytes
}

// whole checks that all of an answer has come. A damaged letter inside a value cannot be noticed; a missing value must be.
func whole(result *ldap.SearchResult, entries, references int) error {
	if len(result.Entries) != entries || len(result.Referrals) != references {
		return fmt.Errorf("%w: %d entries, %d references", errShort, len(result.Entries), len(result.Referrals))
	}
	for _, entry := range result.Entries {
		if len(entry.Attributes) != 2 || len(entry.Attributes[0].Values) != 2 || len(entry.Attributes[1].Values) != 1 {
			return fmt.Errorf("%w: entry %+v", errShort, entry)
		}
	}
	return nil
}

// recorded is the session: ids are replaced by those of the requests when it is played.
func recorded() []step {
	reply := func(op wire.Op, r wire.Reply) []byte {
		var e wire.Encoder
		e.Message(1, func(e *wire.Encoder) { e.Result(op, r) }, nil)
		return e.Bytes
	}
	return []step{
		{"bind", reply(wire.BindResponse, wire.Reply{}), func(ctx context.Context, c *instrument.Client) error { return c.Bind(ctx, "cn=a", "b") }},
		{"search", people(1, "none"), func(ctx context.Context, c *instrument.Client) error {
			result, err := c.Search(ctx, search("(uid=*)"))
			if err != nil {
				return err
			}
			return whole(result, 3, 1)
		}},
		// The cookie is itself a value in BER: with its length damaged to 0 it is a further element, which go-ldap lets pass.
		{"two pages", append(people(1, "\x04\x02ab"), people(1, "")...), func(ctx context.Context, c *instrument.Client) error {
			result, err := c.SearchPaged(ctx, search("(uid=*)"), 3)
			if err != nil {
				return err
			}
			return whole(result, 6, 2)
		}},
		{"stream", people(1, "none"), func(ctx context.Context, c *instrument.Client) error {
			result := &ldap.SearchResult{}
			s := c.With(ctx).SearchAsync(ctx, search("(uid=*)"), 1)
			for s.Next() {
				if s.Entry() != nil {
					result.Entries = append(result.Entries, s.Entry())
				} else if s.Referral() != "" {
					result.Referrals = append(result.Referrals, s.Referral())
				}
			}
			if s.Err() != nil {
				return s.Err()
			}
			return whole(result, 3, 1)
		}},
		{"who am I", reply(wire.ExtendedResponse, wire.Reply{Value: []byte("dn:cn=a")}), func(ctx context.Context, c *instrument.Client) error { _, err := c.WhoAmI(ctx); return err }},
	}
}

// damage is one way to spoil a session.
type damage struct {
	at    int  // bytes of all answers before it
	bit   int  // to be flipped in the byte there; -1 cuts the connection instead
	reset bool // the cut is a reset, and not an orderly end
}

func (d damage) String() string {
	switch {
	case d.bit >= 0:
		return fmt.Sprintf("bit %d of byte %d flipped", d.bit, d.at)
	case d.reset:
		return fmt.Sprintf("reset after %d bytes", d.at)
	}
	return fmt.Sprintf("end after %d bytes", d.at)
}

// play answers the requests of one connection with the recorded answers, one message of the client after the other, and
// does the damage on the way.
func (d damage) play(steps []step) func(*session) {
	return func(s *session) {
		sent, left := 0, []byte(nil)
		for i := 0; ; {
			m, ok := s.next()
			if !ok {
				return
			}
			if len(left) == 0 {
				if i == len(steps) {
					continue
				}
				left, i = steps[i].answer, i+1
			}
			for done := false; !done && len(left) > 0; { // up to the end of this operation or page
				body, rest, _ := wire.Element(left)
				answer, _ := wire.ParseMessage(left[:len(left)-len(rest)])
				done = answer.Op == wire.ResponseTo(m.Op)
				raw := withID(m.ID, body)
				left = rest
				if d.at < sent+len(raw) && d.at >= sent {
					if d.bit < 0 {
						s.send(raw[:d.at-sent]...)
						if d.reset {
							_ = s.conn.(*net.TCPConn).SetLinger(0)
						}
						return // closes
					}
					raw[d.at-sent] ^= 1 << d.bit
				}
				sent += len(raw)
				s.send(raw...)
			}
		}
	}
}

// withID returns a message whose id is of as many bytes as in the recording.
func withID(id int64, body []byte) []byte {
	_, rest, _ := wire.Element(body)
	var e wire.Encoder
	mark := e.Begin(0x30)
	e.Bytes = append(e.Bytes, 2, 4, byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
	e.Bytes = append(e.Bytes, rest...)
	e.End(mark)
	return e.Bytes
}

// sizes returns how many bytes all answers are up to the end of each step.
func sizes(steps []step) (ends []int) {
	total := 0
	for _, s := range steps {
		for left := s.answer; len(left) > 0; {
			body, rest, _ := wire.Element(left)
			total, left = total+len(withID(1, bytes.Clone(body))), rest
		}
		ends = append(ends, total)
	}
	return ends
}

// spoil plays the session with a damage, and holds the client to notice it and to come back.
func (d damage) spoil(t *testing.T, steps []step, ends []int) {
	url := serve(t, d.play(steps))
	c := dial(t, instrument.New(), url, instrument.WithTimeouts(instrument.Timeouts{Idle: 250 * time.Millisecond}))
	failed := false
	for i, s := range steps {
		err := within(patience, func() error { return s.run(t.Context(), c) })
		switch {
		case errors.Is(err, errHung), errors.Is(err, errShort):
			t.Errorf("%s, %s: %v", d, s.name, err)
			return
		case err == nil && failed && c.Err() != nil:
			t.Errorf("%s, %s: success on a connection that ended by %v", d, s.name, c.Err())
		case err == nil && d.bit < 0 && ends[i] > d.at:
			t.Errorf("%s, %s: success without an end", d, s.name)
		case err != nil && d.bit < 0 && !d.reset && ends[i] <= d.at:
			t.Errorf("%s, %s: %v, though the whole answer came", d, s.name, err)
		case err != nil && !explained(err):
			t.Errorf("%s, %s: error %v is of no known kind", d, s.name, err)
		}
		failed = failed || err != nil
	}
	if d.bit < 0 && !failed {
		t.Errorf("%s: nobody noticed", d)
	}
}

// explained says that an error is one that the package documents.
func explained(err error) bool {
	_, answered := instrument.ResultCode(err)
	return answered || slices.ContainsFunc([]error{
		instrument.ErrConnection, instrument.ErrTimeout, instrument.ErrMalformed, instrument.ErrLimit, instrument.ErrIncomplete, instrument.ErrRepeatedCookie,
	}, func(known error) bool { return errors.Is(err, known) })
}

// all lists the damages of one kind at every place.
func damages(size int, bits bool) (all []damage) {
	for at := range size {
		if !bits {
			all = append(all, damage{at, -1, false}, damage{at, -1, true})
			continue
		}
		for bit := range 8 {
			all = append(all, damage{at, bit, false})
		}
	}
	return all
}

// A session that is cut or damaged anywhere hangs nobody, breaks nothing, and never passes for a whole one. A sample of the
// places is tried, another one in every run; go test -everywhere tries them all.
func TestDamagedSessions(t *testing.T) {
	t.Parallel()
	steps := recorded()
	ends := sizes(steps)
	seed := *damageSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-damage.seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, kind := range []struct {
		name   string
		bits   bool
		sample int
	}{{"cut", false, 60}, {"flip", true, 120}} {
		list := damages(ends[len(ends)-1], kind.bits)
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if !*everywhere {
			list = list[:kind.sample]
		}
		t.Run(kind.name, func(t *testing.T) {
			const side = 8 // at a time
			for part := range slices.Chunk(list, (len(list)+side-1)/side) {
				t.Run("part", func(t *testing.T) {
					t.Parallel()
					for _, d := range part {
						t.Run(d.String(), func(t *testing.T) { d.spoil(t, steps, ends) })
					}
				})
			}
		})
	}
}

// The session that is spoiled succeeds when it is not.
func TestRecordedSession(t *testing.T) {
	t.Parallel()
	steps := recorded()
	none := damage{at: -1}
	c := dial(t, instrument.New(), serve(t, none.play(steps)))
	for _, s := range steps {
		if err := within(patience, func() error { return s.run(t.Context(), c) }); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}
