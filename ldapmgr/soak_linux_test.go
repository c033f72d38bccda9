// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/slapd"
)

// soakTime is how long TestSoak runs, soakSeed what it starts from; both are short and random for every day.
var (
	soakTime = flag.Duration("soak", 8*time.Second, "time of TestSoak")
	soakSeed = flag.Uint64("soak.seed", 0, "seed of TestSoak; 0 for a random one, which is printed")
)

const (
	soakWorkers = 64
	soakService = "uid=service,ou=people," + suffix
	soakCall    = 6*time.Second + 4*time.Second // the budget of a call, and what a loaded machine may add
)

// soak is three real servers behind proxies, and what must be true of every answer.
type soak struct {
	t       *testing.T
	servers []*slapd.Server
	net     *network
	domain  *ldapmgr.Domain
	scope   *instrument.Scope
	pw      rotating
	version int // of the password
	over    atomic.Bool
	calls   atomic.Int64
	failed  sync.Map // what went wrong, with the number of times
}

// Three slapds are killed, frozen, restarted and cut off by a seeded schedule, and the service account's password changes,
// while workers read and write. Every answer is compared with a model; nothing may hang, leak, or be refused more than
// once per password.
func TestSoak(t *testing.T) {
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, %v", seed, *soakTime)
	s := startSoak(t)
	var all sync.WaitGroup
	for i := range soakWorkers {
		all.Go(func() { s.work(i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	rotations := s.wreck(rand.New(rand.NewPCG(seed, 1<<20)), time.Now().Add(*soakTime))
	s.over.Store(true)
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(3 * soakCall):
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		t.Fatalf("calls hang:\n%s", stacks.String())
	}
	s.settle(rotations)
}

func startSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{t: t, net: &network{hosts: map[string]*host{}}, scope: instrument.New()}
	ldif := many(chaosEntries) + "dn: cn=policy," + suffix + "\nobjectClass: device\nobjectClass: pwdPolicy\ncn: policy\npwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 3\n\n" +
		"dn: " + soakService + "\nobjectClass: inetOrgPerson\nuid: service\ncn: s\nsn: s\nuserPassword: " + soakPassword(0) + "\n\n"
	for i := range soakWorkers {
		ldif += fmt.Sprintf("dn: %s\nobjectClass: device\ncn: w%d\n\n", soakEntry(i), i)
	}
	for i := range 3 {
		server := slapd.Start(t, slapd.Config{LDIF: ldif, Global: []string{"moduleload ppolicy"}, Lines: []string{"overlay ppolicy", "ppolicy_default cn=policy," + suffix}})
		s.servers = append(s.servers, server)
		s.net.hosts[string(rune('a'+i))+".test"] = through(dialTo(server))
	}
	s.pw.set(soakPassword(0))
	c := writable(s.net.config(3))
	c.Bind = ldapmgr.Bind{Name: soakService, Password: s.pw.secret()}
	c.Pool.MaxUses = 50 // so that new connections are always needed
	m, err := ldapmgr.New(ldapmgr.Config{Scope: s.scope, Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"EXAMPLE": c}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s.domain, _ = m.Domain("")
	return s
}

func soakPassword(version int) string { return fmt.Sprint("password ", version) }
func soakEntry(worker int) string     { return fmt.Sprintf("cn=w%d,%s", worker, suffix) }

// work reads and writes until the soak is over. The entry of a worker has one writer, so that what it may hold is known:
// on each server what was last written, or anything whose outcome was never told.
func (s *soak) work(worker int, random *rand.Rand) {
	r := &register{wrote: map[string]string{}, maybe: map[string]map[string]bool{}}
	for n := 0; !s.over.Load(); n++ {
		begin := time.Now()
		var err error
		switch random.IntN(4) {
		case 0:
			err = s.write(worker, r, fmt.Sprint(n))
		case 1:
			err = s.read(worker, r)
		default:
			err = s.readAll()
		}
		s.calls.Add(1)
		if err != nil {
			s.note(err)
		}
		if got := time.Since(begin); got > soakCall {
			s.t.Errorf("a call took %v", got)
		}
		pause(time.Duration(random.IntN(60)) * time.Millisecond)
	}
}

// register is what an entry may hold, by server.
type register struct {
	wrote map[string]string
	maybe map[string]map[string]bool // written, with an unknown outcome; it may still come true
}

func (s *soak) write(worker int, r *register, value string) error {
	return s.domain.DoWrite(context.Background(), func(ctx context.Context, c *instrument.Client) error {
		change := ldap.NewModifyRequest(soakEntry(worker), nil)
		change.Replace("description", []string{value})
		_, err := c.Modify(ctx, change)
		_, answered := instrument.ResultCode(err)
		switch {
		case err == nil:
			r.wrote[c.Server()] = value
		case !answered && !errors.Is(err, instrument.ErrNotSent):
			if r.maybe[c.Server()] == nil {
				r.maybe[c.Server()] = map[string]bool{}
			}
			r.maybe[c.Server()][value] = true
		}
		return err
	})
}

func (s *soak) read(worker int, r *register) error {
	return s.domain.Do(context.Background(), func(ctx context.Context, c *instrument.Client) error {
		result, err := c.Search(ctx, ldap.NewSearchRequest(soakEntry(worker), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"description"}, nil))
		if err != nil {
			return err
		}
		if len(result.Entries) != 1 {
			s.t.Errorf("%d entries by one name", len(result.Entries))
			return nil
		}
		if got := result.Entries[0].GetAttributeValue("description"); got != r.wrote[c.Server()] && !r.maybe[c.Server()][got] {
			s.t.Errorf("an entry on %s holds %q; %q was written last, and perhaps %v", c.Server(), got, r.wrote[c.Server()], r.maybe[c.Server()])
		}
		return nil
	})
}

// readAll asks for what never changes.
func (s *soak) readAll() error {
	result, err := s.domain.SearchPaged(context.Background(), people("(uid=u*)"), 15)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, e := range result.Entries {
		seen[e.GetAttributeValue("cn")] = true
	}
	if len(result.Entries) != chaosEntries || len(seen) != chaosEntries {
		s.t.Errorf("an answer without an error has %d entries, %d of them different; want %d", len(result.Entries), len(seen), chaosEntries)
	}
	return nil
}

// note counts an error, which must be of a known kind.
func (s *soak) note(err error) {
	if !chaosError(err) && !errors.Is(err, ldapmgr.ErrServiceAccount) {
		s.t.Errorf("an error of no known kind: %v", err)
	}
	count, _ := s.failed.LoadOrStore(ldapmgr.Classify(err), new(atomic.Int64))
	count.(*atomic.Int64).Add(1)
}
