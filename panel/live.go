// SPDX-License-Identifier: MIT

package panel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// The pace of a live connection.
const (
	flushInterval = 50 * time.Millisecond // changes within one are one frame
	statsInterval = time.Second
	pingInterval  = 15 * time.Second
	pongWait      = 30 * time.Second
	writeWait     = 5 * time.Second
	helloWait     = 10 * time.Second
	inboundBytes  = 32 << 10
)

// upgrader leaves the check of the origin to the guard, which runs before and is stricter.
var upgrader = websocket.Upgrader{
	ReadBufferSize: 1 << 10, WriteBufferSize: 8 << 10, CheckOrigin: func(*http.Request) bool { return true },
}

// notRunning tells the host application what it forgot.
func notRunning(w http.ResponseWriter) {
	fail(w, http.StatusServiceUnavailable, "not_running", "nobody runs the live connection: the program must call Panel.Run(ctx), or is shutting down")
}

// live answers GET api/v1/live with a websocket.
func (p *Panel) live(w http.ResponseWriter, r *http.Request) {
	running, leave, ok := p.join()
	if !ok {
		notRunning(w)
		return
	}
	defer leave()
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer func() { _ = conn.Close() }()
	conn.SetReadLimit(inboundBytes)
	ctx, cancel := context.WithCancel(running)
	defer cancel()
	inbound := make(chan inbound)
	read := make(chan struct{})
	go func() { // ends with the connection, which this handler closes and then waits for it
		defer close(read)
		defer cancel()
		receive(ctx, conn, inbound)
	}()
	s := socket{conn: conn, follower: p.follow()}
	changed, stop := s.follower.recorder.Watch()
	defer stop()
	code, reason := s.serve(ctx, inbound, changed)
	if running.Err() != nil {
		code, reason = websocket.CloseGoingAway, "the program ends"
	}
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
	_ = conn.Close()
	cancel() // the reader may wait for somebody to take a message
	<-read
}

// inbound is a message of the browser, or why it could not be read.
type inbound struct {
	message message
	bad     string
}

// receive reads messages until the connection ends.
func receive(ctx context.Context, conn *websocket.Conn, out chan<- inbound) {
	_ = conn.SetReadDeadline(time.Now().Add(pongWait))
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(pongWait)) })
	for {
		_, body, err := conn.ReadMessage()
		if err != nil {
			return
		}
		_ = conn.SetReadDeadline(time.Now().Add(pongWait))
		var in inbound
		if err := json.Unmarshal(body, &in.message); err != nil {
			in.bad = "the message is no JSON object with a type such as hello, query, ack, pause or resume"
		}
		select {
		case out <- in:
		case <-ctx.Done():
			return
		}
	}
}

// socket writes one websocket. It belongs to the handler's goroutine.
type socket struct {
	conn     *websocket.Conn
	follower *follower
	greeted  bool
	paused   bool
	behind   bool // there is more than was sent
}

// flush sends what changed, unless the reader is too far behind for anything but numbers. Once it has caught up, it goes
// on with the newest.
func (s *socket) flush() error {
	f := s.follower
	if s.paused || !s.greeted {
		return nil
	}
	if s.behind = f.pace.level(time.Now()) == paceSummary; s.behind {
		return nil
	}
	frames := f.resume()
	s.behind = len(frames) >= framesAtOnce || f.stale // a turn is over, not the changes
	return s.write(frames...)
}

// serve writes until the connection or the context ends, and returns how to close.
func (s *socket) serve(ctx context.Context, in <-chan inbound, changed <-chan struct{}) (code int, reason string) {
	stats, ping := time.NewTicker(statsInterval), time.NewTicker(pingInterval)
	defer stats.Stop()
	defer ping.Stop()
	hello, flush := time.NewTimer(helloWait), time.NewTimer(time.Hour)
	defer hello.Stop()
	defer flush.Stop()
	waiting := false // a flush is due
	for {
		var err error
		news := changed
		if waiting {
			news = nil // the flush tells it; thousands a second would wake this goroutine for nothing
		}
		select {
		case <-ctx.Done():
			return websocket.CloseNormalClosure, ""
		case <-hello.C:
			if !s.greeted {
				return websocket.ClosePolicyViolation, "no hello came"
			}
		case m := <-in:
			err = s.obey(m)
		case <-news:
			if s.greeted && !s.paused {
				waiting = true
				flush.Reset(s.follower.pace.level(time.Now()).flush())
			}
		case <-flush.C:
			waiting = false
			err = s.flush()
		case now := <-stats.C:
			if s.greeted && !s.paused {
				err = s.write(s.follower.stats(now))
			}
		case <-ping.C:
			err = s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait))
		}
		if s.behind && !s.paused && !waiting { // it may catch up while nothing changes
			waiting = true
			flush.Reset(s.follower.pace.level(time.Now()).flush())
		}
		if err != nil {
			return websocket.CloseInternalServerErr, "the connection is too slow"
		}
	}
}

// obey answers one message.
func (s *socket) obey(in inbound) error {
	f := s.follower
	if in.bad != "" {
		return s.write(f.problem(in.bad))
	}
	switch m := in.message; m.Type {
	case "hello":
		s.greeted, s.behind = true, true
		return s.write(f.start(m)...)
	case "query":
		if problem, bad := f.setQuery(m.Q); bad {
			return s.write(problem)
		}
		return s.write(f.backfill())
	case "pause":
		s.paused = true
		f.pace = pace{known: f.pace.known}
	case "resume":
		s.paused = false
		return s.flush()
	case "ack":
		f.pace.acked(m.Seq)
	default:
		return s.write(f.problem(fmt.Sprintf("unknown message type %.20q: use hello, query, ack, pause or resume", m.Type)))
	}
	return nil
}

func (s *socket) write(frames ...framed) error {
	start := time.Now()
	for _, frame := range frames {
		_ = s.conn.SetWriteDeadline(time.Now().Add(writeWait))
		if err := s.conn.WriteMessage(websocket.TextMessage, frame.body); err != nil {
			return err
		}
	}
	now := time.Now()
	s.follower.pace.slow = now.Sub(start)
	s.follower.pace.wrote(s.follower.cursor, now)
	return nil
}
