// SPDX-License-Identifier: MIT

package wire

import (
	"errors"
	"fmt"
	"io"
)

// Framer cuts a byte stream into LDAP messages. It reads ahead, reuses its buffer and gives it back when a large message
// has passed.
type Framer struct {
	src    io.Reader
	limits Limits
	buf    []byte
	start  int // first unread byte of buf
	end    int // one past the last read byte of buf
}

const (
	framerBuffer = 16 << 10
	framerKeep   = 256 << 10 // a buffer above this is not kept for the next message
)

// NewFramer returns a Framer over src. Zero fields of limits take their defaults.
func NewFramer(src io.Reader, limits Limits) *Framer {
	return &Framer{src: src, limits: limits.Filled(), buf: make([]byte, framerBuffer)}
}

// Buffered returns how many bytes were read but not yet returned.
func (f *Framer) Buffered() int { return f.end - f.start }

// Reset drops what is buffered and goes on with another source, as when TLS replaces the plain connection.
func (f *Framer) Reset(src io.Reader) {
	f.src, f.start, f.end = src, 0, 0
}

// Next returns the next whole message, valid until the following call. It returns io.EOF at a clean end of the stream,
// io.ErrUnexpectedEOF when the stream ends inside a message, and ErrMalformed or ErrLimit for a message whose header shows
// that it must not be read; after an error the stream cannot go on. The inside of the message is not checked: see Scan.
func (f *Framer) Next() ([]byte, error) {
	need := 2
	for {
		if f.Buffered() >= need {
			tag, head, body, more, err := header(f.buf[f.start:f.end])
			switch {
			case err != nil:
				return nil, err
			case more == 0 && tag != TagSequence:
				return nil, malformed(fmt.Sprintf("a message starts with tag 0x%02x", tag))
			case more == 0 && head+body > f.limits.MessageBytes:
				return nil, fmt.Errorf("%w: message of %d bytes, %d are allowed", ErrLimit, head+body, f.limits.MessageBytes)
			case more == 0 && f.Buffered() >= head+body:
				message := f.buf[f.start : f.start+head+body : f.start+head+body]
				f.start += head + body
				return message, nil
			case more == 0:
				need = head + body
			default:
				need = more
			}
		}
		if err := f.fill(need); err != nil {
			return nil, err
		}
	}
}

// fill reads until need bytes are buffered.
func (f *Framer) fill(need int) error {
	if f.start == f.end {
		f.start, f.end = 0, 0
		if len(f.buf) > framerKeep && need <= framerBuffer {
			f.buf = make([]byte, framerBuffer)
		}
	}
	for f.Buffered() < need {
		f.room(need)
		n, err := f.src.Read(f.buf[f.end:])
		f.end += n
		if f.Buffered() >= need {
			return nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) && f.Buffered() > 0 {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// room makes space behind the buffered bytes. A large buffer grows with what has arrived and not with what a header
// promises, so that a promise costs nothing.
func (f *Framer) room(need int) {
	if f.end < len(f.buf) && f.start+need <= len(f.buf) {
		return
	}
	if need <= len(f.buf) {
		copy(f.buf, f.buf[f.start:f.end])
	} else if f.end == len(f.buf) {
		size := min(max(4*f.Buffered(), framerBuffer), need)
		grown := make([]byte, max(size, f.Buffered()+1))
		copy(grown, f.buf[f.start:f.end])
		f.buf = grown
	} else {
		return
	}
	f.start, f.end = 0, f.Buffered()
}
