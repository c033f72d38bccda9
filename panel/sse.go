// SPDX-License-Identifier: MIT

package panel

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// liveSSE answers GET api/v1/live.sse with the same frames as server-sent events, for proxies that know no websockets.
func (p *Panel) liveSSE(w http.ResponseWriter, r *http.Request) {
	running, leave, ok := p.join()
	if !ok {
		notRunning(w)
		return
	}
	defer leave()
	after, ok := number(w, r, "after", 0)
	if !ok {
		return
	}
	f := p.follow()
	m := message{Epoch: r.URL.Query().Get("epoch"), After: after, Q: r.URL.Query().Get("q")}
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		m.Epoch, m.After = eventID(last)
	}
	if m.Epoch != "" {
		m.Mode = "resume"
	}
	stream := sse{w: w, control: http.NewResponseController(w), follower: f}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	changed, stop := f.recorder.Watch()
	defer stop()
	stats := time.NewTicker(statsInterval)
	defer stats.Stop()
	err := stream.write(f.start(m)...)
	for err == nil {
		select {
		case <-running.Done():
			return
		case <-r.Context().Done():
			return
		case now := <-stats.C:
			err = stream.write(f.stats(now))
		case <-changed:
			select {
			case <-time.After(f.pace.level(time.Now()).flush()):
			case <-r.Context().Done():
				return
			}
			for frames := f.resume(); err == nil && len(frames) > 0; frames = f.next() {
				err = stream.write(frames...)
			}
		}
	}
}

func eventID(id string) (epoch string, seq uint64) {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '-' {
			seq, _ = strconv.ParseUint(id[i+1:], 10, 64)
			return id[:i], seq
		}
	}
	return "", 0
}

type sse struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	follower *follower
}

// write sends frames; each carries the cursor with which a browser resumes by itself.
func (s sse) write(frames ...framed) error {
	start := time.Now()
	for _, frame := range frames {
		_ = s.control.SetWriteDeadline(time.Now().Add(writeWait))
		if _, err := fmt.Fprintf(s.w, "id: %s-%d\ndata: %s\n\n", s.follower.recorder.Epoch(), frame.to, frame.body); err != nil {
			return err
		}
	}
	err := s.control.Flush()
	s.follower.pace.slow = time.Since(start)
	return err
}
