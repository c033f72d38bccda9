// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// asker is a client that costs little.
type asker struct {
	b      *testing.B
	conn   net.Conn
	framer *wire.Framer
	e      wire.Encoder
	id     int64
}

// ask sends one request and returns how many entries came before the end of its answer.
func (a *asker) ask(build func(e *wire.Encoder)) (entries int) {
	a.id++
	a.e.Bytes = a.e.Bytes[:0]
	a.e.Message(a.id, build, nil)
	if _, err := a.conn.Write(a.e.Bytes); err != nil {
		a.b.Fatal(err)
	}
	for {
		raw, err := a.framer.Next()
		if err != nil {
			a.b.Fatal(err)
		}
		m, err := wire.ParseMessage(raw)
		if err != nil {
			a.b.Fatal(err)
		}
		if m.Op != wire.SearchResultEntry {
			return entries
		}
		entries++
	}
}

// byAccount are searches for one person each.
func byAccount(b *testing.B, people int) []func(*wire.Encoder) {
	b.Helper()
	searches := make([]func(*wire.Encoder), 64)
	for i := range searches {
		words := []string{suffix, "sub", fmt.Sprintf("(&(objectClass=user)(sAMAccountName=user%05d))", 4+i%(people-4)), "cn", "mail", "department"}
		var e wire.Encoder
		encodeSearch(&testing.T{}, &e, words)
		searches[i] = func(out *wire.Encoder) { out.Bytes = append(out.Bytes, e.Bytes...) }
	}
	return searches
}

// benchSearches asks for one entry after the other on one connection.
func benchSearches(b *testing.B, people int) {
	b.Helper()
	s := ldaptest.Start(b, ldaptest.Config{
		Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(ldaptest.Company(people)), RootPassword: rootPassword,
	})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	a := &asker{b: b, conn: conn, framer: wire.NewFramer(conn, wire.DefaultLimits)}
	a.ask(func(e *wire.Encoder) { encodeBind(&testing.T{}, e, []string{"root"}) })
	searches := byAccount(b, people)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if n := a.ask(searches[i%len(searches)]); n != 1 {
			b.Fatalf("%d entries, want 1", n)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "searches/s")
}

func BenchmarkIndexedSearch(b *testing.B) {
	for _, people := range []int{100, 10_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) { benchSearches(b, people) })
	}
}

func BenchmarkLoad(b *testing.B) {
	text := ldaptest.Company(1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ldaptest.New(ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(text)}); err != nil {
			b.Fatal(err)
		}
	}
}
