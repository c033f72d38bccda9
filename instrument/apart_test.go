// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// byName answers each search with one entry, named by the value in its filter.
func byName(s *session) {
	for m, ok := s.next(); ok; m, ok = s.next() {
		if m.Op == wire.SearchRequest {
			q, _ := wire.ParseSearch(m.Body)
			f, _ := wire.ParseFilter(q.Filter)
			s.entry(m, "uid="+string(f.Value), "uid", string(f.Value))
		}
		s.answer(m, 0)
	}
}

// Who uses a Client and who uses its driver at the same time get their own answers.
func TestDriverBesideClient(t *testing.T) {
	c := dial(t, instrument.New(), serve(t, byName))
	var both sync.WaitGroup
	ask := func(name string, search func(*ldap.SearchRequest) (*ldap.SearchResult, error)) {
		both.Go(func() {
			for range 1000 {
				r, err := search(byUID(name))
				if err != nil || len(r.Entries) != 1 || r.Entries[0].DN != "uid="+name {
					t.Errorf("%s got %+v, %v", name, r, err)
					return
				}
			}
		})
	}
	ask("client", func(r *ldap.SearchRequest) (*ldap.SearchResult, error) { return c.Search(t.Context(), r) })
	ask("driver", c.Conn().Search)
	ask("stream", func(r *ldap.SearchRequest) (*ldap.SearchResult, error) {
		result, s := &ldap.SearchResult{}, c.With(t.Context()).SearchAsync(t.Context(), r, 4)
		for s.Next() {
			result.Entries = append(result.Entries, s.Entry())
		}
		return result, s.Err()
	})
	if err := within(30*time.Second, func() error { both.Wait(); return nil }); err != nil {
		t.Fatal(err)
	}
}

func byUID(uid string) *ldap.SearchRequest { return search("(uid=" + uid + ")") }

// What somebody asks through the driver is not taken for what a Client asks about something else.
func TestDriverChangesBesideClient(t *testing.T) {
	server := func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			switch {
			case string(m.Body) == "cn=refused", strings.Contains(string(m.Body), wire.OIDWhoAmI):
				s.answer(m, 53)
			default:
				s.answer(m, 0)
			}
		}
	}
	for name, ask := range map[string]struct {
		driver, client func(c *instrument.Client) error
	}{
		"delete": {
			func(c *instrument.Client) error { return c.Conn().Del(ldap.NewDelRequest("cn=refused", nil)) },
			func(c *instrument.Client) error { return c.Delete(t.Context(), ldap.NewDelRequest("cn=taken", nil)) },
		},
		"delete by the driver's interface": {
			func(c *instrument.Client) error { return c.Conn().Del(ldap.NewDelRequest("cn=refused", nil)) },
			func(c *instrument.Client) error { return c.With(t.Context()).Del(ldap.NewDelRequest("cn=taken", nil)) },
		},
		"password": {
			func(c *instrument.Client) error { _, err := c.Conn().WhoAmI(nil); return err },
			func(c *instrument.Client) error {
				_, err := c.PasswordModify(t.Context(), ldap.NewPasswordModifyRequest("cn=a", "old", "new"))
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, instrument.New(), serve(t, server))
			var both sync.WaitGroup
			both.Go(func() {
				for range 1000 {
					if err := ask.client(c); err != nil {
						t.Errorf("the client's: %v", err)
						return
					}
				}
			})
			for range 2 {
				both.Go(func() {
					for range 1000 {
						if err := ask.driver(c); !ldap.IsErrorWithCode(err, 53) {
							t.Errorf("the driver's: %v", err)
							return
						}
					}
				})
			}
			if err := within(30*time.Second, func() error { both.Wait(); return nil }); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A bind names whom it is for.
func TestDriverBindBesideClient(t *testing.T) {
	c := dial(t, instrument.New(), serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			b, _ := wire.ParseBind(m.Body)
			code := int64(0)
			if string(b.Name) == "cn=refused" {
				code = 49
			}
			s.answer(m, code)
		}
	}))
	var both sync.WaitGroup
	both.Go(func() {
		for range 1000 {
			if err := c.Bind(t.Context(), "cn=ada", "x"); err != nil {
				t.Errorf("the client's: %v", err)
				return
			}
		}
	})
	both.Go(func() {
		for range 1000 {
			if err := c.Conn().Bind("cn=refused", "x"); !ldap.IsErrorWithCode(err, 49) {
				t.Errorf("the driver's: %v", err)
				return
			}
		}
	})
	if err := within(30*time.Second, func() error { both.Wait(); return nil }); err != nil {
		t.Fatal(err)
	}
}

// A bind whose last answer asks for more is not over, whatever the driver makes of it.
func TestBindThatIsNotOver(t *testing.T) {
	c := dial(t, instrument.New(), serve(t, func(s *session) {
		value := []byte("token")
		for m, ok := s.next(); ok; m, ok = s.next() {
			s.message(m.ID, func(e *wire.Encoder) {
				e.Result(wire.BindResponse, wire.Reply{Code: ldap.LDAPResultSaslBindInProgress, Value: value})
			})
			value = []byte{}
		}
	}))
	err := c.With(t.Context()).GSSAPIBind(&kerberos{}, "ldap/host", "")
	if !ldap.IsErrorWithCode(err, ldap.LDAPResultSaslBindInProgress) {
		t.Errorf("got %v, want saslBindInProgress", err)
	}
}

// A stream whose reader was too late for entries does not end as if it were whole, although the server's answer was.
func TestStreamThatLostEntriesFails(t *testing.T) {
	for range 20 {
		c := dial(t, instrument.New(), serve(t, willing(3)))
		ctx, cancel := context.WithCancel(t.Context())
		r := c.With(t.Context()).SearchAsync(ctx, search("(uid=*)"), 0)
		read := 0
		for r.Next() {
			if read++; read == 1 {
				cancel()
			}
		}
		if r.Err() == nil && read < 3 {
			t.Errorf("%d of 3 entries came, and no error", read)
		}
		cancel()
		_ = c.Close(t.Context())
	}
}

// A stream that nobody reads keeps neither deadlines nor Close from holding.
func TestUnreadStreamHoldsNobodyUp(t *testing.T) {
	c := dial(t, instrument.New(), serve(t, willing(5)))
	r := c.With(t.Context()).SearchAsync(t.Context(), search("(uid=*)"), 0)
	r.Next() // and no more
	if !c.Busy() {
		t.Error("the stream is not seen to be open")
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := within(10*time.Second, func() error { _, err := c.Compare(short, "cn=x", "a", "b"); return err }); err == nil || errors.Is(err, errHung) {
		t.Errorf("a compare beside it: %v", err)
	}
	if err := within(10*time.Second, func() error {
		for r.Next() {
		}
		return r.Err()
	}); err == nil || errors.Is(err, errHung) {
		t.Errorf("the stream: %v", err)
	}
}

// Nothing leaves in clear text while StartTLS waits for its answer (RFC 4511 section 4.14.1).
func TestStartTLSKeepsOthersBack(t *testing.T) {
	got := make(chan wire.Op, 10)
	c := dial(t, instrument.New(), serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			got <- m.Op
		}
	}))
	asked, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- c.StartTLS(asked, nil) }()
	<-got
	go func() { ended <- c.Bind(asked, "cn=a", "secret") }()
	select {
	case op := <-got:
		t.Errorf("%#x has left meanwhile", byte(op))
	case <-time.After(100 * time.Millisecond):
	}
	cancel()
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("no error after the end")
		}
	}
}

type unencodable struct{}

func (unencodable) GetControlType() string { return "1.2.3" }
func (unencodable) Encode() *ber.Packet    { panic("no such thing") }
func (unencodable) String() string         { return "" }

// A panic of the caller's own, recovered as net/http does, leaves the connection usable.
func TestPanicWhileEncoding(t *testing.T) {
	c := dial(t, instrument.New(), serve(t, byName))
	r := byUID("a")
	r.Controls = []ldap.Control{unencodable{}}
	for name, ask := range map[string]func(){
		"a search": func() { _, _ = c.Search(t.Context(), r) },
		"a change": func() { _ = c.Delete(t.Context(), ldap.NewDelRequest("cn=x", r.Controls)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			ask()
		}()
		if err := within(10*time.Second, func() error { _, err := c.Search(t.Context(), byUID("b")); return err }); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

// The requests of one Scope are nothing to another one in the same process.
func TestTwoScopes(t *testing.T) {
	outer, inner := instrument.New(), instrument.New()
	c := dial(t, inner, serve(t, byName))
	for i := range 3 {
		ctx, end := outer.Job(t.Context(), fmt.Sprint("job ", i))
		if _, err := c.Search(ctx, byUID("a")); err != nil {
			t.Fatal(err)
		}
		end()
	}
	if a, b := outer.Recorder().Stats(), inner.Recorder().Stats(); a.Operations != 0 || a.Requests != 3 || b.Operations != 3 || b.Requests != 1 {
		t.Errorf("the outer one has %+v, the inner one %+v", a, b)
	}
	outer.Recorder().Clear()
	inner.Recorder().Clear()
	if a, b := outer.Recorder().Stats(), inner.Recorder().Stats(); a.Bytes < 0 || b.Bytes < 0 || a.Requests != 0 {
		t.Errorf("cleared, the outer one has %+v, the inner one %+v", a, b)
	}
}
