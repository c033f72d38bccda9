// SPDX-License-Identifier: MIT

package instrument_test

import (
	"errors"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// A paged search keeps the controls of all its pages, as go-ldap does.
func TestControlsOfAllPages(t *testing.T) {
	t.Parallel()
	url := serve(t, func(s *session) {
		for page := 1; page <= 3; page++ {
			m, ok := s.next()
			if !ok {
				return
			}
			s.entry(m, "cn=a"+string(rune('0'+page)))
			cookie := []byte("more")
			if page == 3 {
				cookie = nil
			}
			controls := []wire.Control{{OID: wire.OIDPaging, Value: wire.Paging(0, cookie)}}
			if page == 1 {
				controls = append(controls, wire.Control{OID: "1.2.3.4", Value: []byte("of the first page")})
			}
			s.answer(m, 0, controls...)
		}
		s.next()
	})
	driver := plain(t, url)
	defer driver.Close()
	clients := map[string]ldap.Client{"go-ldap": driver, "ours": dial(t, instrument.New(), url).With(t.Context())}
	for name, client := range clients {
		result, err := client.SearchWithPaging(search("(cn=*)"), 1)
		if err != nil || len(result.Entries) != 3 || len(result.Controls) != 4 || ldap.FindControl(result.Controls, "1.2.3.4") == nil {
			t.Errorf("%s: %+v, %v", name, result, err)
		}
	}
}

// Where a server gives more than it was asked for, the caller gets what go-ldap gives: as much as was asked for, beside
// its error.
func TestEnforcedSizeLimit(t *testing.T) {
	t.Parallel()
	url := serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://a.test/dc=a") })
			for range 5 {
				s.entry(m, "cn=a")
			}
			s.answer(m, 0)
		}
	})
	request := search("(cn=*)")
	request.SizeLimit, request.EnforceSizeLimit = 2, true
	driver := plain(t, url)
	defer driver.Close()
	ours := func(opts ...instrument.DialOption) *instrument.Client { return dial(t, instrument.New(), url, opts...) }
	once := func(c ldap.Client) (*ldap.SearchResult, error) { return c.Search(request) }
	pages := func(c ldap.Client) (*ldap.SearchResult, error) {
		r := *request
		return c.SearchWithPaging(&r, 10)
	}
	tests := []struct {
		name   string
		client ldap.Client
		ask    func(ldap.Client) (*ldap.SearchResult, error)
	}{
		{"go-ldap", driver, once},
		{"go-ldap, pages", driver, pages},
		{"ours", ours().With(t.Context()), once},
		{"ours, pages", ours().With(t.Context()), pages},
		{"ours by the driver", ours(instrument.WithoutDiversion()).With(t.Context()), once},
	}
	for _, test := range tests {
		result, err := test.ask(test.client)
		if !errors.Is(err, ldap.ErrSizeLimitExceeded) || result == nil || len(result.Entries) != 2 || len(result.Referrals) != 1 {
			t.Errorf("%s: %+v, %v", test.name, result, err)
		}
		var failed *instrument.OperationError
		if test.client != ldap.Client(driver) && (!errors.As(err, &failed) || failed.Kind != instrument.KindSearch || !instrument.Broken(err)) {
			t.Errorf("%s: %T, %v", test.name, err, err)
		}
	}
}

// The limit of one search is no other's, even where the end of the connection is both's.
func TestEnforcedSizeLimitIsOfOneSearch(t *testing.T) {
	t.Parallel()
	c := dial(t, instrument.New(), serve(t, func(s *session) {
		first, _ := s.next()
		s.entry(first, "cn=first")
		second, ok := s.next()
		for range 3 {
			s.entry(second, "cn=a")
		}
		for ; ok; _, ok = s.next() {
		}
	}))
	other := c.With(t.Context()).SearchAsync(t.Context(), search("(cn=first)"), 1)
	if !other.Next() {
		t.Fatal(other.Err())
	}
	request := search("(cn=a)")
	request.SizeLimit, request.EnforceSizeLimit = 2, true
	if result, err := c.Search(t.Context(), request); !errors.Is(err, ldap.ErrSizeLimitExceeded) || !errors.Is(err, instrument.ErrLimit) || len(result.Entries) != 2 {
		t.Errorf("%+v, %v", result, err)
	}
	if _, err := drain(other); err == nil || errors.Is(err, ldap.ErrSizeLimitExceeded) {
		t.Errorf("the other search: %v", err)
	}
}
