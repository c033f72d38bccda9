// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// chaosTime is the virtual time of each run, chaosSeeds how many there are. Both are kept short for every day.
var (
	chaosTime  = flag.Duration("chaos", 15*time.Second, "virtual time of each run of TestChaos")
	chaosSeeds = flag.Uint64("chaos.seeds", 3, "runs of TestChaos")
)

const chaosEntries = 40

func chaosDirectory() ldaptest.Config {
	c := small()
	var ldif strings.Builder
	for i := range chaosEntries {
		fmt.Fprintf(&ldif, "dn: ou=u%d,ou=people,%s\nobjectClass: organizationalUnit\nou: u%d\n\n", i, suffix, i)
	}
	c.LDIF = strings.NewReader("dn: " + suffix + "\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n" +
		"dn: ou=people," + suffix + "\nobjectClass: organizationalUnit\nou: people\n\n" + ldif.String())
	return c
}

// Three servers fail in every way at random while workers ask. A call gives the whole answer or an error, within its
// time; afterwards everything works again and nothing is left.
func TestChaos(t *testing.T) {
	t.Parallel()
	for seed := range *chaosSeeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { runChaos(t, seed) })
		})
	}
}

func runChaos(t *testing.T, seed uint64) {
	n := start(t, 3, chaosDirectory)
	c := n.config(3)
	c.Pool.MaxOpen = 4
	d, _ := domain(t, c)
	end := time.Now().Add(*chaosTime)
	var all sync.WaitGroup
	all.Go(func() { wreck(n, rand.New(rand.NewPCG(seed, 2)), end) })
	for range 8 {
		all.Go(func() {
			for time.Now().Before(end) {
				chaosCall(t, d)
				pause(100 * time.Millisecond)
			}
		})
	}
	all.Wait()
	deadline := time.Now().Add(20 * time.Second)
	for search(t, d)() != nil {
		if time.Now().After(deadline) {
			t.Fatal("the domain does not recover within 20 s")
		}
		pause(100 * time.Millisecond)
	}
	synctest.Wait()
	pool := d.Status().Pool
	open := n.host(0).open() + n.host(1).open() + n.host(2).open()
	if pool.InUse != 0 || pool.Waiting != 0 || open < pool.Idle || open > pool.Idle+3 { // probes come and go
		t.Errorf("%d connections are open, the pool is at %+v", open, pool)
	}
}

// wreck lets faults of the list strike until end, then mends everything.
func wreck(n *network, random *rand.Rand, end time.Time) {
	list := strikes()
	for time.Now().Before(end) {
		h := n.host(random.IntN(3))
		if random.IntN(3) > 0 { // else they add up
			h.mend()
		}
		list[random.IntN(len(list))].hit(h, sometimes(1+random.Int64N(20)))
		pause(time.Duration(random.IntN(1500)) * time.Millisecond)
	}
	for i := range 3 {
		n.host(i).mend()
	}
}

// chaosCall searches and checks the answer.
func chaosCall(t *testing.T, d *ldapmgr.Domain) {
	begin := time.Now()
	request := ldap.NewSearchRequest("ou=people,"+suffix, ldap.ScopeSingleLevel, ldap.NeverDerefAliases, 0, 0, false, "(ou=u*)", []string{"ou"}, nil)
	result, err := d.SearchPaged(t.Context(), request, 7)
	if got := time.Since(begin); got > 6100*time.Millisecond {
		t.Errorf("a call took %v", got)
	}
	if err == nil && len(result.Entries) != chaosEntries {
		t.Errorf("a call without an error gives %d of %d entries", len(result.Entries), chaosEntries)
	}
	if err != nil && !chaosError(err) {
		t.Errorf("an error of no known kind: %v", err)
	}
}

// chaosError reports whether an error is one that faults may lead to.
func chaosError(err error) bool {
	known := []error{ldapmgr.ErrUnavailable, ldapmgr.ErrPoolExhausted, instrument.ErrConnection, instrument.ErrTimeout, instrument.ErrIncomplete, instrument.ErrMalformed}
	if code, answered := instrument.ResultCode(err); answered {
		return code == 51 || code == 52
	}
	return slices.ContainsFunc(known, func(target error) bool { return errors.Is(err, target) })
}
