// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// link is one connection: two pipes and a pump for each direction. Pumps buffer, as sockets do.
type link struct {
	host           *host
	client, server net.Conn
	lost           atomic.Bool // half-open: nothing passes any more
	reset          atomic.Bool // how it ended
	once           sync.Once
	ended          chan struct{}
}

func (l *link) close() {
	l.once.Do(func() { close(l.ended) })
	_ = l.client.Close()
	_ = l.server.Close()
	l.host.mu.Lock()
	delete(l.host.links, l)
	l.host.mu.Unlock()
}

func (l *link) pump(toClient bool) {
	defer l.close()
	from, to := l.client, l.server
	if toClient {
		from, to = to, from
	}
	buffer := make(chan []byte, 4096)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for raw := range buffer {
			if _, err := to.Write(raw); err != nil {
				l.close()
			}
		}
	}()
	defer func() { close(buffer); <-done }()
	send := func(raw []byte) {
		select {
		case buffer <- raw:
		case <-l.ended:
		}
	}
	framer := wire.NewFramer(from, wire.Limits{MessageBytes: 64 << 20})
	for {
		raw, err := framer.Next()
		if err != nil {
			return
		}
		raw = append([]byte(nil), raw...)
		switch l.decide(toClient, raw) {
		case pass:
			send(raw)
		case twice:
			send(raw)
			send(raw)
		case cut:
			return
		case cutHalf:
			send(raw[:len(raw)/2])
			return
		case reset:
			send(raw[:len(raw)/2])
			l.reset.Store(true)
			return
		case drip:
			l.drip(raw, send)
		}
	}
}

func (l *link) drip(raw []byte, send func([]byte)) {
	for i := range raw {
		send(raw[i : i+1])
		select {
		case <-time.After(time.Second):
		case <-l.ended:
			return
		}
	}
}

func (l *link) decide(toClient bool, raw []byte) verdict {
	l.host.mu.Lock()
	mode, judge := l.host.mode, l.host.verdict
	l.host.mu.Unlock()
	if mode == frozen || l.lost.Load() {
		return swallow
	}
	if m, err := wire.ParseMessage(raw); err == nil && judge != nil {
		v := judge(toClient, m)
		if v == swallow {
			l.lost.Store(true)
		}
		return v
	}
	return pass
}

// listener hands a directory the connections that were dialled.
type listener struct {
	ctx  context.Context
	host *host
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.host.accepted:
		return conn, nil
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 389} }

// scripted returns a host whose server does what react says with each message, until it says false.
func scripted(react func(conn net.Conn, m wire.Message) bool) *host {
	return through(func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() { // ends with the connection
			defer far.Close()
			framer := wire.NewFramer(far, wire.DefaultLimits)
			for {
				raw, err := framer.Next()
				if err != nil {
					return
				}
				if m, err := wire.ParseMessage(raw); err != nil || !react(far, m) {
					return
				}
			}
		}()
		return near, nil
	})
}

// succeeds answers a message with success and nothing else, and reports whether that could be sent.
func succeeds(conn net.Conn, m wire.Message) bool {
	op := wire.ResponseTo(m.Op)
	if op == 0 {
		return true
	}
	var e wire.Encoder
	e.Message(m.ID, func(e *wire.Encoder) { e.Result(op, wire.Reply{}) }, nil)
	_, err := conn.Write(e.Bytes)
	return err == nil
}
