// SPDX-License-Identifier: MIT

package usersql_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
)

const processes = 8

// atOnce runs f for several processes that wait for each other before they begin.
func atOnce(t *testing.T, p place, f func(n int, s *usersql.Store) error) {
	t.Helper()
	stores := make([]*usersql.Store, processes)
	for i := range stores {
		db := p.open(t)
		if err := db.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		stores[i] = p.unmade(t, db)
	}
	var group sync.WaitGroup
	begin := make(chan struct{})
	for i, s := range stores {
		group.Go(func() {
			<-begin
			if err := f(i, s); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	group.Wait()
}

// TestCreateTablesAtOnce: processes that start together on an empty database all find it ready.
func TestCreateTablesAtOnce(t *testing.T) { everywhere(t, testCreateTablesAtOnce) }

func testCreateTablesAtOnce(t *testing.T, p place) {
	atOnce(t, p, func(_ int, s *usersql.Store) error { return s.CreateTables(t.Context()) })
	apply(t, p.store(t), newAda())
}

// TestConcurrentCreation: processes that meet one new person make one account.
func TestConcurrentCreation(t *testing.T) { everywhere(t, testConcurrentCreation) }

func testConcurrentCreation(t *testing.T, p place) {
	p.store(t)
	ids := make([]string, processes)
	atOnce(t, p, func(n int, s *usersql.Store) error {
		made, err := s.Apply(t.Context(), []ldapmgr.Plan{newAda()}, nothing)
		ids[n] = slices.Concat(made, []string{""})[0]
		return err
	})
	if slices.Sort(ids); len(slices.Compact(ids)) != 1 {
		t.Errorf("accounts %q", ids)
	}
}

// TestConcurrentNames: of several who want one name at once, as local accounts and as people, one gets it.
func TestConcurrentNames(t *testing.T) { everywhere(t, testConcurrentNames) }

func testConcurrentNames(t *testing.T, p place) {
	first := p.store(t)
	var mu sync.Mutex
	got := 0
	atOnce(t, p, func(n int, s *usersql.Store) (err error) {
		if n%2 == 0 {
			_, err = s.AddLocal(t.Context(), "Ada", "")
		} else {
			plan := newAda()
			plan.Key = string(rune('a' + n))
			_, err = s.Apply(t.Context(), []ldapmgr.Plan{plan}, nothing)
		}
		if err == nil {
			mu.Lock()
			got++
			mu.Unlock()
		}
		if errors.Is(err, ldapmgr.ErrNameTaken) {
			return nil
		}
		return err
	})
	accounts := 0
	for _, err := range first.All(t.Context()) {
		if accounts++; err != nil {
			t.Fatal(err)
		}
	}
	if got != 1 || accounts != 1 {
		t.Errorf("%d got the name, %d accounts have it", got, accounts)
	}
}

// TestCrossedPlans: processes that change the same accounts in opposite orders do not stop each other.
func TestCrossedPlans(t *testing.T) { everywhere(t, testCrossedPlans) }

func testCrossedPlans(t *testing.T, p place) {
	s := p.store(t)
	var plans []ldapmgr.Plan
	for i := range 20 {
		name := string(rune('a' + i))
		plans = append(plans, ldapmgr.Plan{Domain: "EXAMPLE", Key: name, DN: "cn=" + name, Name: name, Create: true, LastSync: synced})
	}
	ids := apply(t, s, plans...)
	atOnce(t, p, func(n int, s *usersql.Store) error {
		mine := slices.Clone(plans)
		for i := range mine {
			mine[i].ID, mine[i].Create = ids[i], false
			mine[i].Flags = []ldapmgr.FlagChange{{Name: "staff", To: n%4 == 0}}
			mine[i].Join = []string{"group of " + mine[i].Name}
		}
		if n%2 == 1 {
			slices.Reverse(mine)
		}
		_, err := s.Apply(t.Context(), mine, nothing)
		return err
	})
}

// TestPersonHasAnotherAccount: an account is not linked to a person who has got another one since the plan was made.
func TestPersonHasAnotherAccount(t *testing.T) { everywhere(t, testPersonHasAnotherAccount) }

func testPersonHasAnotherAccount(t *testing.T, p place) {
	s := p.store(t)
	id, err := s.AddLocal(t.Context(), "lovelace", "")
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, newAda())
	plan := newAda()
	plan.ID, plan.Name, plan.Create, plan.Link = id, "lovelace", false, true
	if _, err := s.Apply(t.Context(), []ldapmgr.Plan{plan}, nothing); !errors.Is(err, ldapmgr.ErrNameTaken) {
		t.Errorf("got %v", err)
	}
	if account, err := s.ByID(t.Context(), id); err != nil || account.Domain != "" || len(account.Groups) > 0 {
		t.Errorf("got %+v, %v", account, err)
	}
}

// TestHookHidesAnError: a statement that fails in a hook takes everything back where the database says so.
func TestHookHidesAnError(t *testing.T) { everywhere(t, testHookHidesAnError) }

func testHookHidesAnError(t *testing.T, p place) {
	s := p.store(t)
	ids, err := s.Apply(t.Context(), []ldapmgr.Plan{newAda()}, func(ctx context.Context) error {
		tx, _ := usersql.Tx(ctx)
		if _, err := tx.ExecContext(ctx, "UPDATE app_nothing SET x = 1"); err == nil {
			t.Error("there is such a table")
		}
		return nil
	})
	_, found, failed := s.Named(t.Context(), "", "ada")
	if found != (err == nil) || found != (len(ids) == 1) || failed != nil {
		t.Errorf("got %q and %v, and the account is there: %v, %v", ids, err, found, failed)
	}
}
