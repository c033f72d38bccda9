// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"net"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// sealer writes TLS 1.3 records with the server's keys (RFC 8446 section 5.2): crypto/tls sends no KeyUpdate of its own.
type sealer struct {
	suite  uint16
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// expand is HKDF-Expand-Label without a context (RFC 8446 section 7.1).
func expand(t *testing.T, secret []byte, label string, length int) []byte {
	t.Helper()
	label = "tls13 " + label
	info := append([]byte{0, byte(length), byte(len(label))}, label...)
	key, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), length)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newSealer(t *testing.T, suite uint16, secret []byte, seq uint64) *sealer {
	t.Helper()
	s := &sealer{suite: suite, secret: secret, iv: expand(t, secret, "iv", 12), seq: seq}
	var err error
	switch suite {
	case tls.TLS_AES_128_GCM_SHA256:
		var block cipher.Block
		if block, err = aes.NewCipher(expand(t, secret, "key", 16)); err == nil {
			s.aead, err = cipher.NewGCM(block)
		}
	default: // what is chosen where the processor knows no AES
		s.aead, err = chacha20poly1305.New(expand(t, secret, "key", 32))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// record returns one encrypted record.
func (s *sealer) record(kind byte, body []byte) []byte {
	plain := append(bytes.Clone(body), kind)
	header := []byte{0x17, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(plain)+s.aead.Overhead()))
	nonce := bytes.Clone(s.iv)
	for i := range 8 {
		nonce[4+i] ^= byte(s.seq >> (56 - 8*i))
	}
	s.seq++
	return s.aead.Seal(header, nonce, plain, header)
}

// update asks for new keys in both directions (RFC 8446 section 4.6.3) and uses its own from then on.
func (s *sealer) update(t *testing.T) (record []byte, next *sealer) {
	t.Helper()
	record = s.record(0x16, []byte{24, 0, 0, 1, 1})
	return record, newSealer(t, s.suite, expand(t, s.secret, "traffic upd", 32), 0)
}

// updating answers deletes over TLS and, long after the first one, changes its keys. It waits before it agrees to StartTLS.
func updating(t *testing.T, raw net.Conn, config *tls.Config, inClear bool, hesitate time.Duration) {
	if inClear {
		s := &session{raw, wire.NewFramer(raw, wire.DefaultLimits)}
		m, _ := s.next()
		<-time.After(hesitate)
		s.answer(m, 0)
	}
	var keys bytes.Buffer
	config = config.Clone()
	config.KeyLogWriter, config.SessionTicketsDisabled, config.MinVersion = &keys, true, tls.VersionTLS13
	secured := tls.Server(raw, config)
	defer secured.Close()
	if secured.Handshake() != nil {
		return // the client will tell
	}
	found := regexp.MustCompile(`SERVER_TRAFFIC_SECRET_0 \S+ (\S+)`).FindSubmatch(keys.Bytes())
	secret, _ := hex.DecodeString(string(found[1]))
	s := &session{secured, wire.NewFramer(secured, wire.DefaultLimits)}
	first, ok := s.next()
	if !ok {
		return
	}
	s.answer(first, 0) // one record
	<-time.After(time.Minute)
	record, sealed := newSealer(t, secured.ConnectionState().CipherSuite, secret, 1).update(t)
	_, _ = raw.Write(record)
	second, ok := s.next() // reads the client's new keys before it
	if !ok {
		return
	}
	var e wire.Encoder
	e.Message(second.ID, func(e *wire.Encoder) { e.Result(wire.DelResponse, wire.Reply{}) }, nil)
	_, _ = raw.Write(sealed.record(0x17, e.Bytes))
	s.next()
}

// A server may ask for new keys at any time, and the connection answers it by itself: long after the last request was
// written, when the time that it was given is over. A slow agreement to StartTLS leaves the handshake its time too.
func TestKeyUpdateLongAfterAWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		inClear  bool
		hesitate time.Duration
		connect  func(*testing.T, net.Conn, *tls.Config) (ask func() error)
	}{
		{"ldaps", false, 0, dialed("ldaps://127.0.0.1")},
		{"StartTLS", true, 0, dialed("ldap://127.0.0.1", instrument.WithStartTLS())},
		{"StartTLS, agreed to late", true, 5 * time.Second, dialed("ldap://127.0.0.1", instrument.WithStartTLS())},
		{"Wrap", false, 0, func(t *testing.T, far net.Conn, trust *tls.Config) func() error {
			secured := tls.Client(far, trust)
			if err := secured.HandshakeContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			driver := ldap.NewConn(instrument.New().Wrap(secured), true)
			driver.Start()
			return func() error { return driver.Del(deletion("/a")) }
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				authority, err := ldaptest.NewAuthority()
				if err != nil {
					t.Fatal(err)
				}
				served, err := authority.ServerConfig(ldaptest.Leaf{})
				if err != nil {
					t.Fatal(err)
				}
				trust := &tls.Config{RootCAs: authority.Pool(), ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13}
				near, far := net.Pipe()
				defer near.Close()
				go updating(t, far, served, test.inClear, test.hesitate) // ends with the pipe, and synctest waits for it
				ask := test.connect(t, near, trust)
				for i := range 2 {
					if err := ask(); err != nil {
						t.Errorf("request %d: %v", i+1, err)
					}
					<-time.After(2 * time.Minute)
				}
			})
		})
	}
}

// dialed connects through a socket that is there already.
func dialed(url string, opts ...instrument.DialOption) func(*testing.T, net.Conn, *tls.Config) func() error {
	return func(t *testing.T, far net.Conn, trust *tls.Config) func() error {
		t.Helper()
		c, err := instrument.New().Dial(t.Context(), url, append(opts, instrument.WithTLS(trust), unhurried,
			instrument.WithDialer(func(context.Context, string, string) (net.Conn, error) { return far, nil }))...)
		if err != nil {
			t.Fatal(err)
		}
		return func() error { return c.Delete(context.WithoutCancel(t.Context()), deletion("/a")) }
	}
}

// A message that is written leaves the next one its bound, when both were sent together and the server reads one of them.
func TestWritesAboveTLSStayBounded(t *testing.T) {
	t.Parallel()
	authority, err := ldaptest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	served, err := authority.ServerConfig(ldaptest.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	defer far.Close()
	read := make(chan struct{})
	go func() { // ends with the pipe
		secured := tls.Server(far, served)
		s := &session{secured, wire.NewFramer(secured, wire.DefaultLimits)}
		if secured.Handshake() == nil {
			<-read
			s.next()
		}
	}()
	c, err := instrument.New().Dial(t.Context(), "ldaps://127.0.0.1", instrument.WithTLS(&tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS12}),
		instrument.WithTimeouts(instrument.Timeouts{Write: time.Second}),
		instrument.WithDialer(func(context.Context, string, string) (net.Conn, error) { return near, nil }))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for range 2 {
		go func() { // the connection ends both; searches are sent without the driver, which writes one after the other
			_, err := c.Search(context.WithoutCancel(t.Context()), search("(cn=*)"))
			ended <- err
		}()
	}
	<-time.After(100 * time.Millisecond) // both are under way by now, as a rule
	close(read)
	for range 2 {
		select {
		case err := <-ended:
			if err == nil {
				t.Error("a search that nobody answered was a success")
			}
		case <-time.After(20 * time.Second):
			t.Fatal("a write that nobody read went on and on")
		}
	}
}
