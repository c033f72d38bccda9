// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// A stream hands a reference on as it comes, between the entries before and behind it, as go-ldap does: a search that
// follows changes has no end to wait for.
func TestReferencesAreStreamed(t *testing.T) {
	t.Parallel()
	url := serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			if m.Op == wire.SearchRequest {
				s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://a.test/dc=a", "ldap://b.test/dc=b") })
				s.entry(m, "cn=a")
				s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://c.test/dc=c") })
			}
		}
	})
	want := []string{"ldap://a.test/dc=a", "cn=a", "ldap://c.test/dc=c"}
	driver := plain(t, url)
	defer driver.Close()
	clients := map[string]ldap.Client{"go-ldap": driver, "ours": dial(t, instrument.New(), url).With(t.Context())}
	for name, client := range clients {
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		err := within(patience, func() error {
			r := client.Syncrepl(ctx, search("(cn=*)"), 8, ldap.SyncRequestModeRefreshAndPersist, nil, false)
			for len(got) < len(want) && r.Next() {
				if r.Entry() != nil {
					got = append(got, r.Entry().DN)
				} else {
					got = append(got, r.Referral())
				}
			}
			return r.Err()
		})
		cancel()
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A reference to nowhere leaves the answer incomplete.
func TestReferenceWithoutAnAddress(t *testing.T) {
	t.Parallel()
	url := serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			s.message(m.ID, func(e *wire.Encoder) { e.Reference() })
			s.answer(m, 0)
		}
	})
	driver := plain(t, url)
	defer driver.Close()
	if _, err := driver.Search(search("(cn=a)")); !ldap.IsErrorWithCode(err, ldap.ErrorMalformedPacket) {
		t.Errorf("go-ldap alone: %v", err)
	}
	asks := func(c *instrument.Client) error { _, err := c.Search(t.Context(), search("(cn=a)")); return err }
	tests := []struct {
		name   string
		option []instrument.DialOption
		ask    func(*instrument.Client) error
	}{
		{"search", nil, asks},
		{"search of the driver", []instrument.DialOption{instrument.WithoutDiversion()}, asks},
		{"stream", nil, func(c *instrument.Client) error {
			_, err := drain(c.With(t.Context()).SearchAsync(t.Context(), search("(cn=a)"), 1))
			return err
		}},
	}
	for _, test := range tests {
		c := dial(t, instrument.New(), url, test.option...)
		err := test.ask(c)
		var answer *ldap.Error
		if !errors.As(err, &answer) || answer.ResultCode != ldap.ErrorMalformedPacket || !errors.Is(err, instrument.ErrMalformed) {
			t.Errorf("%s: %v", test.name, err)
		}
		if code, answered := instrument.ResultCode(err); answered || !instrument.Broken(err) || c.Err() == nil {
			t.Errorf("%s: code %d answered %v, broken %v, connection %v", test.name, code, answered, instrument.Broken(err), c.Err())
		}
	}
}
