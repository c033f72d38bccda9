// SPDX-License-Identifier: MIT

package instrument

import (
	"bytes"
	"fmt"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Read hands the driver one checked message after the other. Entries that our Client takes itself are not handed over.
func (c *Conn) Read(p []byte) (int, error) {
	for !c.blind.Load() {
		if c.attend(); c.reader.role.Load() != driverReads {
			continue
		}
		if n, err := c.hand(p); n > 0 || err != nil {
			return n, err
		}
	}
	return c.inner.Read(p)
}

// hand gives the driver what waits for it, or else what one message brings. It gives the role up when nothing is left.
func (c *Conn) hand(p []byte) (n int, err error) {
	defer func() {
		if len(c.pending) == 0 {
			c.reader.role.Store(nobodyReads)
		}
	}()
	if len(c.pending) == 0 {
		select {
		case <-c.gone: // after a message that made no sense nothing is read any more
			return 0, c.ended()
		default:
		}
		if err := c.receive(); err != nil {
			c.fail(err)
			return 0, c.ended()
		}
	}
	n = copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// receive takes one message off the wire and decides who gets it.
func (c *Conn) receive() error {
	if c.passed { // and its user may have been slow to take it: that was no silence of the server
		c.rearm()
	}
	if c.heard.messages > 0 && c.framer.Buffered() == 0 { // it may be long until the next one comes
		c.domain.received(&c.heard)
	}
	err := c.take()
	if err != nil {
		c.domain.received(&c.heard)
		if isMalformed(err) {
			c.domain.count(func(n *Counters) *uint64 { return &n.MalformedMessages })
		}
	}
	return err
}

func (c *Conn) take() error {
	raw, err := c.framer.Next()
	if err != nil {
		return err
	}
	now := c.scope.clock.now()
	c.heard.add(len(raw), now)
	m := &wire.Message{}
	if err := m.Parse(raw); err != nil {
		return err
	}
	if m.ID == 0 {
		return c.unsolicited(m, raw, now)
	}
	k, alone := c.claim(m, now)
	if k == nil { // to let it pass could lose an entry whose id was damaged
		return fmt.Errorf("%w: answer to message %d, which waits for none", wire.ErrMalformed, m.ID)
	}
	k.await()
	if !lastAnswers[m.Op] {
		return c.between(k, m, raw, now)
	}
	completed := false
	defer func() {
		if !completed { // it makes no sense, or something panicked over it
			c.reclaim(k, len(raw), now)
		}
	}()
	if m.Op != responseOf(k.seen) {
		return k.senseless(m)
	}
	err = c.complete(k, m, raw, alone, now)
	completed = err == nil
	return err
}

// senseless is the error for an answer that does not go with its request.
func (k *call) senseless(m *wire.Message) error {
	return fmt.Errorf("%w: answer with tag 0x%02x to a %s", wire.ErrMalformed, byte(m.Op), k.seen)
}

// await waits for begin, than which the server may be quicker.
func (k *call) await() {
	if k.published.Load() {
		return
	}
	k.mu.Lock()
	for k.seen == 0 {
		begun := make(chan struct{})
		k.begun = begun
		k.mu.Unlock()
		<-begun
		k.mu.Lock()
	}
	k.mu.Unlock()
}

// between takes an answer that is not the last.
func (c *Conn) between(k *call, m *wire.Message, raw []byte, now time.Time) error {
	search := k.seen == KindSearch
	switch {
	case m.Op == wire.SearchResultEntry && search:
		return c.entry(k, m, raw, now)
	case m.Op == wire.SearchResultReference && search:
		return c.reference(k, m, raw, now)
	case m.Op != wire.IntermediateResponse:
		return k.senseless(m)
	}
	k.mu.Lock()
	k.hear(len(raw), now)
	k.mu.Unlock()
	if err := checkIntermediate(m.Body); err != nil {
		return err
	}
	if k.inform == nil {
		return c.pass(k, raw)
	}
	if err := wire.Scan(raw, c.scope.wire); err != nil {
		return err
	}
	return k.inform(raw)
}

func (c *Conn) reference(k *call, m *wire.Message, raw []byte, now time.Time) error {
	k.mu.Lock()
	k.hear(len(raw), now)
	k.refs++
	err := wire.References(m.Body, func(uri []byte) bool {
		if c.scope.redact.level == LevelValues && len(k.urls) < keptReferrals {
			k.urls = append(k.urls, bounded(string(uri), keptReferral))
		}
		return len(k.urls) < keptReferrals
	})
	k.mu.Unlock()
	var first string
	if err == nil {
		first, err = firstAddress(m.Body)
	}
	if err == nil {
		err = k.referred(m.Body)
	}
	if err == nil {
		err = wire.Scan(raw, c.scope.wire)
	}
	switch {
	case err != nil:
		return err
	case k.refer != nil:
		k.refer(first)
	case k.reply != nil:
		k.reply.refer(first)
	default:
		c.deliver(k, raw)
	}
	return nil
}

func (c *Conn) entry(k *call, m *wire.Message, raw []byte, now time.Time) error {
	body := string(m.Body)
	entry, secret, err := decodeEntry(body, c.scope.wire.Elements)
	if err == nil && m.HasControls() {
		err = checkControls(m)
	}
	k.mu.Lock()
	k.hear(len(raw), now)
	if err != nil {
		k.mu.Unlock()
		return err
	}
	if entry.DN == "" && !k.ended && k.op.search.Scope == ScopeBase {
		c.domain.learn(entry)
	}
	k.entries++
	count := k.entries
	c.keep(k, m.Body, body, secret)
	k.mu.Unlock()
	if k.divert == nil {
		return c.pass(k, raw)
	}
	if k.limit > 0 && count > k.limit {
		return fmt.Errorf("%w: more entries than the size limit of %d", wire.ErrLimit, k.limit)
	}
	return k.divert(entry, *m)
}

// complete takes the last answer of a call.
func (c *Conn) complete(k *call, m *wire.Message, raw []byte, alone bool, now time.Time) error {
	result := &wire.Result{}
	if err := result.Parse(m.Op, m.Body); err != nil {
		return err
	}
	if result.Code > 0xffff {
		return fmt.Errorf("%w: result code %d", wire.ErrMalformed, result.Code)
	}
	if m.HasControls() {
		if err := k.controls(m); err != nil {
			return err
		}
	}
	if k.generates && result.Code == 0 && !result.Bare() {
		if err := checkGenerated(m.Body); err != nil {
			return err
		}
	}
	if k.seen == KindBind {
		c.chainBind(k, result.Code)
	}
	if k.secure != nil && result.Code == 0 {
		if err := k.secure(); err != nil {
			return err
		}
		raw = bytes.Clone(raw) // the framer starts anew behind TLS
	}
	if m.HasControls() || !result.Bare() { // else every element was read just now
		if err := wire.Scan(raw, c.scope.wire); err != nil {
			return err
		}
	}
	c.deliver(k, raw)
	if k.reply != nil {
		k.reply.take(m, raw, result)
	}
	c.answer(k, result, len(raw), alone, now)
	switch {
	case k.reply != nil:
		c.reader.asks.Add(1)
		k.reply.end()
	case k.kind == 0 && k.settled: // nobody asked, and nobody else knows of it
		k.recycle()
	}
	return nil
}

// pass lets a message through to the driver after a look at all of it.
func (c *Conn) pass(k *call, raw []byte) error {
	if err := wire.Scan(raw, c.scope.wire); err != nil {
		return err
	}
	c.deliver(k, raw)
	c.passed = c.passed || k.reply == nil
	return nil
}

// deliver gives a message that was checked to the driver, unless it does not know of the call.
func (c *Conn) deliver(k *call, raw []byte) {
	if k.reply == nil {
		c.pending = raw
	}
}

// responseOf returns which answer ends an operation of a kind; 0 for those without an answer.
func responseOf(kind Kind) wire.Op { return responses[kind] }

var responses = [Kinds]wire.Op{
	KindBind: wire.BindResponse, KindSearch: wire.SearchResultDone, KindModify: wire.ModifyResponse, KindAdd: wire.AddResponse,
	KindDelete: wire.DelResponse, KindModifyDN: wire.ModifyDNResponse, KindCompare: wire.CompareResponse,
	KindExtended: wire.ExtendedResponse,
}

// lastAnswers tells which messages end an operation.
var lastAnswers = func() (ends [256]bool) {
	for _, op := range responses {
		ends[op] = op != 0
	}
	return ends
}()
