// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// fleet is the servers of one domain, in order of preference.
type fleet struct {
	start   time.Time
	wake    func()                                        // the keeper looks again
	changed func(e *endpoint, to EndpointState, r string) // called with the endpoint locked

	list   atomic.Pointer[[]*endpoint]
	writer atomic.Pointer[pin]
}

func (f *fleet) servers() []*endpoint {
	if list := f.list.Load(); list != nil {
		return *list
	}
	return nil
}

// at returns the server with an address, or nil.
func (f *fleet) at(address string) *endpoint {
	for _, e := range f.servers() {
		if e.address.Address == address {
			return e
		}
	}
	return nil
}

// place returns where a server stands in the list, behind all others where it does not.
func (f *fleet) place(url string) int {
	list := f.servers()
	if i := slices.IndexFunc(list, func(e *endpoint) bool { return e.url == url }); i >= 0 {
		return i
	}
	return len(list)
}

// pin is the server that took a change last.
type pin struct {
	*endpoint
	until time.Time
}

// wrote notes that a server took a change: until its replicas have it too, it is the one to ask.
func (f *fleet) wrote(e *endpoint, until time.Time) {
	if len(f.servers()) > 1 {
		f.writer.Store(&pin{e, until})
	}
}

// pinned returns the server that took a change a moment ago and can be asked, or nil.
func (f *fleet) pinned(now time.Time) *endpoint {
	p := f.writer.Load()
	if p == nil || !now.Before(p.until) {
		return nil
	}
	if ok, _ := p.usable(now); !ok {
		return nil
	}
	return p.endpoint
}

// set replaces the servers; those that stay keep what is known of them.
func (f *fleet) set(urls []string, now time.Time) {
	known := map[string]*endpoint{}
	for _, e := range f.servers() {
		known[e.url] = e
	}
	list := make([]*endpoint, 0, len(urls))
	for rank, url := range urls {
		address, err := instrument.ParseURL(url)
		if err != nil {
			continue // validated before; a name from DNS always makes an address
		}
		e := known[url]
		if e == nil {
			e = &endpoint{url: url, address: address, fleet: f, state: EndpointUnknown, since: now}
		}
		e.rank.Store(int32(rank))
		list = append(list, e)
	}
	f.list.Store(&list)
}

// candidates returns the servers worth a connection now, best first: the one that took a change a moment ago, preferred
// ones in order, then those that are spared or recovering. It is empty when every server is known to be down.
func (f *fleet) candidates(now time.Time) []*endpoint {
	type candidate struct {
		*endpoint
		class int
	}
	var found []candidate
	for _, e := range f.servers() {
		ok, wanting := e.usable(now)
		switch {
		case ok:
			found = append(found, candidate{e, 0})
		case wanting:
			found = append(found, candidate{e, 1})
		}
	}
	if p := f.pinned(now); p != nil {
		for i := range found {
			if found[i].endpoint == p {
				found[i].class = -1
			}
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.class, b.class) })
	list := make([]*endpoint, len(found))
	for i, c := range found {
		list[i] = c.endpoint
	}
	return list
}
