// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// session speaks LDAP to a server in bytes, as the commands of a conformance table say, and writes down the answers.
type session struct {
	t      *testing.T
	dial   func(way []string) net.Conn
	cert   func(name string) []tls.Certificate // of a client; nil where there are none
	conn   net.Conn
	framer *wire.Framer
	id     int64
	cookie []byte // of the last paged search
	last   []string
}

func newSession(t *testing.T, addr string) *session {
	t.Helper()
	s := &session{t: t, dial: func([]string) net.Conn {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}}
	s.connect(nil)
	return s
}

func (s *session) connect(way []string) {
	s.t.Helper()
	s.use(s.dial(way))
	s.id = 0
}

func (s *session) use(conn net.Conn) {
	s.conn, s.framer = conn, wire.NewFramer(conn, wire.DefaultLimits)
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) close() { s.conn.Close() }

// run carries out one command and returns the answer as lines that end in a newline.
func (s *session) run(command string) string {
	s.t.Helper()
	words := splitWords(s.t, command)
	verb, args := words[0], words[1:]
	switch verb {
	case "connect":
		s.close()
		s.connect(args)
		return ""
	case "raw":
		return s.raw(args)
	case "starttls":
		return s.startTLS(args)
	case "again":
		args, verb = append(s.last[1:], args...), s.last[0]
	}
	s.last = append([]string{verb}, args...)
	build, found := requests[verb]
	if !found {
		s.t.Fatalf("no command %q", verb)
	}
	args, controls := s.takeControls(args)
	for try := 1; ; try++ {
		answer := s.exchange(func(e *wire.Encoder) { build(s.t, e, args) }, controls)
		// slapd sends the end of a sorted page before it is ready for the next one, and then says that it is busy.
		if try == 100 || !strings.HasPrefix(answer, "  = 51") {
			return answer
		}
	}
}

func (s *session) exchange(body func(*wire.Encoder), controls []wire.Control) string {
	s.t.Helper()
	s.id++
	var e wire.Encoder
	e.Message(s.id, body, controls)
	if _, err := s.conn.Write(e.Bytes); err != nil {
		return closedText(err)
	}
	return s.read()
}

func (s *session) raw(args []string) string {
	s.t.Helper()
	if _, err := s.conn.Write([]byte(args[0])); err != nil {
		s.t.Fatal(err)
	}
	return s.read()
}

func (s *session) startTLS(as []string) string {
	s.t.Helper()
	answer := s.exchange(func(e *wire.Encoder) { e.Extended(wire.OIDStartTLS, nil) }, nil)
	if strings.Contains(answer, "= 0") {
		config := &tls.Config{InsecureSkipVerify: true}
		if len(as) > 0 {
			config.Certificates = s.cert(as[0])
		}
		s.use(tls.Client(s.conn, config))
	}
	return answer
}

// read collects the answer up to its final response.
func (s *session) read() string {
	s.t.Helper()
	r := reading{session: s}
	for {
		raw, err := s.framer.Next()
		if err != nil {
			return r.text() + closedText(err)
		}
		m, err := wire.ParseMessage(raw)
		if err != nil {
			s.t.Fatalf("the server sent a message that cannot be read: %v", err)
		}
		if r.take(m) {
			return r.text()
		}
	}
}

func closedText(err error) string {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return "  no answer\n"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "reset"), strings.Contains(err.Error(), "broken pipe"):
		return "  closed\n"
	}
	return fmt.Sprintf("  %v\n", err)
}

// shown and hidden put the user that the test runs as into a command, and take it out of an answer.
func (*session) shown(command string) string { return strings.Replace(command, anyUser, thisUser(), 1) }

func (*session) hidden(answer string) string {
	return strings.ReplaceAll(mechanisms.ReplaceAllStringFunc(answer, onlyExternal), thisUser(), anyUser)
}

// mechanisms are those of SASL that a server lists.
var mechanisms = regexp.MustCompile(`    supportedSASLMechanisms: .*\n`)

// onlyExternal leaves out what depends on what is installed beside slapd.
func onlyExternal(line string) string {
	if strings.Contains(line, "EXTERNAL") {
		return "    supportedSASLMechanisms: EXTERNAL\n"
	}
	return ""
}

const anyUser = "gidNumber=GID+uidNumber=UID"

func thisUser() string { return fmt.Sprintf("gidNumber=%d+uidNumber=%d", os.Getegid(), os.Geteuid()) }

// splitWords cuts at blanks; a word or a part of it in quotation marks is a Go string.
func splitWords(t *testing.T, line string) []string {
	t.Helper()
	var words []string
	word, inside := "", false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ':
			if inside {
				words = append(words, word)
			}
			word, inside = "", false
		case '"':
			end := i + 1
			for end < len(line) && line[end] != '"' {
				if line[end] == '\\' {
					end++
				}
				end++
			}
			text, err := strconv.Unquote(line[i : end+1])
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			word, inside, i = word+text, true, end
		default:
			word, inside = word+string(c), true
		}
	}
	if inside {
		words = append(words, word)
	}
	return words
}
