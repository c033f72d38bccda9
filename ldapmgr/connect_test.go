// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// A server that refuses the account in the moment in which another attempt has won ends the race; what was won is closed.
func TestRefusalBesideWinner(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, ldaptest.Config{})
	m, err := New(Config{Scope: instrument.New(), Logger: slog.New(slog.DiscardHandler), Domains: map[string]DomainConfig{
		"A": {Servers: []string{server.URL()}, Bind: Bind{Method: BindAnonymous}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	d, _ := m.Domain("")
	won, err := d.connect(t.Context(), purpose{nil, onlyBinds})
	if err != nil {
		t.Fatal(err)
	}
	r := &race{d: d, results: make(chan attempt, 2), open: 2}
	r.won.Store(true)
	r.results <- attempt{nil, fmt.Errorf("%w: by one server", ErrServiceAccount)}
	r.results <- attempt{won, nil}
	if _, err := r.run(t.Context()); !errors.Is(err, ErrServiceAccount) {
		t.Errorf("got %v, want ErrServiceAccount", err)
	}
	for end := time.Now().Add(10 * time.Second); won.client.Err() == nil; <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the connection that won is neither returned nor closed")
		}
	}
}
