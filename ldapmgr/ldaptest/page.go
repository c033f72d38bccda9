// SPDX-License-Identifier: MIT

package ldaptest

import (
	"bytes"
	"encoding/binary"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// page is a paged search between two of its pages.
type page struct {
	cookie [8]byte
	search string // base, scope and filter, as sent
	rest   []*node
	sent   int    // entries on earlier pages
	last   uint64 // id of the last entry sent
}

// maxPaged bounds the paged searches that one connection may have open, as Active Directory's MaxResultSetsPerConn does;
// slapd knows one. The oldest is forgotten.
func (d *Directory) maxPaged() int {
	if d.cfg.Profile == ActiveDirectory {
		return 10
	}
	return 1
}

// takePage returns the paged search that a cookie continues and takes it out of the connection's books, or nil.
func (c *conn) takePage(cookie []byte) *page {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.pages {
		if bytes.Equal(p.cookie[:], cookie) {
			c.pages = append(c.pages[:i:i], c.pages[i+1:]...)
			return p
		}
	}
	return nil
}

// keepPage remembers what is left and returns the cookie for it. A cookie is used once.
func (c *conn) keepPage(p *page) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pageIDs++
	binary.LittleEndian.PutUint64(p.cookie[:], c.pageIDs)
	if len(c.pages) >= c.dir.maxPaged() {
		c.pages = c.pages[1:]
	}
	c.pages = append(c.pages, p)
	return p.cookie[:]
}

// putBack undoes takePage.
func (c *conn) putBack(p *page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages = append(c.pages, p)
}

// pagingResult is the response control.
func pagingResult(size int, cookie []byte) wire.Control {
	return wire.Control{OID: wire.OIDPaging, Value: wire.Paging(int64(size), cookie)}
}

// nextPage goes on with a paged search. Size zero gives the rest up (RFC 2696 section 3); slapd takes it for nothing.
func (o *operation) nextPage(q *query) {
	p := o.conn.takePage(o.controls.pageCookie)
	if p == nil || p.search != q.identity && o.dir.cfg.Profile == ActiveDirectory {
		o.reply(o.dir.badCookie(), nil)
		return
	}
	if p.search != q.identity {
		if problem := o.turnPage(q, p); problem != nil {
			o.reply(*problem, nil)
			return
		}
	}
	if o.controls.pageSize > 0 {
		var controls []wire.Control
		if o.controls.sort != nil {
			controls = append(controls, sortResult(nil))
		}
		o.sendPage(q, p, controls)
		return
	}
	if o.dir.cfg.Profile == OpenLDAP {
		o.conn.putBack(p)
		o.reply(wire.Reply{}, nil)
		return
	}
	o.reply(wire.Reply{}, []wire.Control{pagingResult(0, nil)})
}

// turnPage makes p go on with another search. slapd's cookie is only the place where the last page ended, so another
// filter goes on from there.
func (o *operation) turnPage(q *query, p *page) *wire.Reply {
	nodes, problem := o.findNodes(q)
	p.search, p.rest = q.identity, nil
	for _, n := range nodes {
		if n.entry.id > p.last {
			p.rest = append(p.rest, n)
		}
	}
	return problem
}

// sendPage sends the next entries of a paged search. A size limit counts over all pages.
func (o *operation) sendPage(q *query, p *page, controls []wire.Control) {
	size := int(min(o.controls.pageSize, 1<<31-1))
	if most := o.dir.cfg.MaxPageSize; most > 0 {
		size = min(size, most)
	}
	send := p.rest[:min(size, len(p.rest))]
	p.rest = p.rest[len(send):]
	if limit := int(q.SizeLimit); limit > 0 && p.sent+len(send) > limit {
		o.sendNodes(q, send[:limit-p.sent])
		o.reply(wire.Reply{Code: codeSizeLimit}, nil)
		return
	}
	if p.sent += len(send); len(send) > 0 {
		p.last = send[len(send)-1].entry.id
	}
	if !o.sendNodes(q, send) {
		o.reply(wire.Reply{Code: codeTimeLimit}, nil)
		return
	}
	var cookie []byte
	if len(p.rest) > 0 && o.ctx.Err() == nil {
		cookie = o.conn.keepPage(p)
	}
	if cookie == nil {
		o.sendPartitions(q)
	}
	o.reply(wire.Reply{}, append(controls, pagingResult(o.estimate(p), cookie)))
}

// estimate is the size in the paging response. Both servers leave it open, but slapd tells what is left when it sorts.
func (o *operation) estimate(p *page) int {
	if o.controls.sort != nil && o.dir.cfg.Profile == OpenLDAP {
		return len(p.rest)
	}
	return 0
}
