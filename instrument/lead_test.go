// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// overlooked is a socket that knows which goroutine read from it.
type overlooked struct {
	net.Conn
	askers, driver atomic.Int64 // reads by who asked and by the driver's goroutine
	fault          atomic.Bool  // reads of who asks panic
	failed, late   atomic.Bool  // one did; and somebody has read since
}

func (o *overlooked) Read(p []byte) (int, error) {
	if o.failed.Load() {
		o.late.Store(true)
	}
	stack := make([]byte, 16<<10)
	if strings.Contains(string(stack[:runtime.Stack(stack, false)]), ".(*Client).ask(") {
		o.askers.Add(1)
		if o.fault.Load() {
			o.failed.Store(true)
			panic("a fault of the test")
		}
	} else {
		o.driver.Add(1)
	}
	return o.Conn.Read(p)
}

func (o *overlooked) dial() instrument.DialOption { return throughSocket(&o.Conn, o) }

// Of searches that follow each other the goroutine that asks reads the answer: the driver's is left alone.
func TestSearchReadsItsAnswer(t *testing.T) {
	socket := &overlooked{}
	c := dial(t, instrument.New(), serve(t, willing(1)), socket.dial())
	eventually(t, "most searches read for themselves", func() bool {
		before, woken := socket.askers.Load(), socket.driver.Load()
		for range 100 {
			if r, err := c.Search(t.Context(), search("(uid=a)")); err != nil || len(r.Entries) != 1 {
				t.Fatal(r, err)
			}
		}
		return socket.askers.Load()-before > 80 && socket.driver.Load()-woken < 20
	})
}

// After the last search the driver's goroutine watches again: an end that nobody waits for is learnt at once, whether the
// search was short or lasted.
func TestQuietConnectionIsWatched(t *testing.T) {
	for _, lasting := range []time.Duration{0, 60 * time.Millisecond} {
		t.Run(lasting.String(), func(t *testing.T) {
			asked, end := make(chan bool, 10), make(chan bool)
			c := dial(t, instrument.New(), serve(t, func(s *session) {
				for range 5 {
					m, _ := s.next()
					<-time.After(lasting) // the server thinks
					s.answer(m, 0)
					asked <- true
				}
				<-end
				s.message(0, func(e *wire.Encoder) {
					e.Result(wire.ExtendedResponse, wire.Reply{Code: 52, OID: wire.OIDDisconnection})
				})
			}))
			for range 5 {
				if _, err := c.Search(t.Context(), search("(uid=a)")); err != nil {
					t.Fatal(err)
				}
				<-asked
			}
			close(end)
			eventually(t, "the notice of disconnection is read", func() bool {
				var notice *instrument.DisconnectError
				return errors.As(c.Err(), &notice)
			})
		})
	}
}

// Searches and the driver's own requests on one connection all get their answers, whoever reads them.
func TestEverybodyReads(t *testing.T) {
	c := dial(t, instrument.New(), serve(t, byName))
	var all sync.WaitGroup
	for i := range 4 {
		name := fmt.Sprintf("n%d", i)
		all.Go(func() {
			for n := range 300 {
				r, err := c.Search(t.Context(), byUID(name))
				if err != nil || len(r.Entries) != 1 || r.Entries[0].DN != "uid="+name {
					t.Errorf("%s got %+v, %v", name, r, err)
					return
				}
				if n%50 == 0 {
					<-time.After(15 * time.Millisecond) // the driver's goroutine takes over
				}
			}
		})
		all.Go(func() {
			for range 300 {
				if err := c.Delete(t.Context(), deletion("/"+name)); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	if err := within(30*time.Second, func() error { all.Wait(); return nil }); err != nil {
		t.Fatal(err)
	}
}

// A request of the driver's right behind a search does not wait for the driver's goroutine to look by itself.
func TestDriverIsCalled(t *testing.T) {
	c := dial(t, instrument.New(), serve(t, willing(1)))
	const pairs = 50 // at 10 ms each, were it not called
	eventually(t, "changes behind searches are quick", func() bool {
		start := time.Now()
		for range pairs {
			if _, err := c.Search(t.Context(), search("(uid=a)")); err != nil {
				t.Fatal(err)
			}
			if err := c.Delete(t.Context(), deletion("/a")); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(start) < pairs*5*time.Millisecond
	})
}

// A panic while who asked reads ends the connection and gives an error, as it does in the driver's goroutine.
func TestPanicWhileReading(t *testing.T) {
	socket := &overlooked{}
	c := dial(t, instrument.New(), serve(t, willing(1)), socket.dial())
	socket.fault.Store(true)
	err := within(patience, func() (err error) {
		for err == nil { // the first ones may be read by the driver's goroutine
			_, err = c.Search(t.Context(), search("(uid=a)"))
		}
		return err
	})
	if !errors.Is(err, instrument.ErrMalformed) || !strings.Contains(err.Error(), "a fault of the test") || !instrument.Broken(err) {
		t.Fatal(err)
	}
	if err := c.Err(); err == nil {
		t.Fatal("the connection counts as usable")
	}
	eventually(t, "the driver learns it", c.Conn().IsClosing)
	if socket.late.Load() {
		t.Fatal("somebody has read behind what could not be read")
	}
}

// A search that is given up while who asked reads comes back at once.
func TestSearchGivenUpWhileReading(t *testing.T) {
	for range 20 {
		silent := atomic.Bool{}
		c := dial(t, instrument.New(), serve(t, func(s *session) {
			for m, ok := s.next(); ok; m, ok = s.next() {
				if !silent.Load() {
					s.answer(m, 0)
				}
			}
		}))
		for range 3 {
			if _, err := c.Search(t.Context(), search("(uid=a)")); err != nil {
				t.Fatal(err)
			}
		}
		silent.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		err := within(patience, func() error { _, err := c.Search(ctx, search("(uid=a)")); return err })
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

// Who has read the own answer leaves the reading to the driver's goroutine at once where another one waits, which that would find
// out 10 ms later by itself.
func TestReadingIsHandedOver(t *testing.T) {
	t.Parallel()
	const before = 3 // searches that follow each other, so that the driver's goroutine stands by
	synctest.Test(t, func(t *testing.T) {
		both := make(chan struct{})
		c := piped(t, instrument.New(), func(s *session) {
			for range before {
				m, _ := s.next()
				s.answer(m, 0)
			}
			one, _ := s.next()
			other, _ := s.next()
			<-both
			s.answer(one, 0)
			s.answer(other, 0)
			s.next()
		})
		ask := func() error { _, err := c.Search(t.Context(), byUID("ada")); return err }
		for range before {
			if err := ask(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		start, ended := time.Now(), make(chan error, 2)
		for range cap(ended) {
			go func() { ended <- ask() }()
			synctest.Wait()
		}
		close(both)
		for range cap(ended) {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the second answer lay for %v", took)
		}
	})
}
