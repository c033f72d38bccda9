// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/Azure/go-ntlmssp"
	"github.com/go-ldap/ldap/v3"
	"golang.org/x/crypto/md4" //nolint:staticcheck // NTLM hashes passwords with it
)

// signing is a client of NTLMv2 that signs the exchange as Windows does, with somebody on the line between: sent, received
// and proof change what passes by.
type signing struct {
	flags                 uint32 // of the answer's pairs
	bindings              []byte // of the answer's pairs; none where it is nil
	sent, received, proof func([]byte) []byte
	negotiate             []byte
}

func (s *signing) Negotiate(string, string) ([]byte, error) {
	message, err := ntlmssp.NewNegotiateMessage("", "")
	s.negotiate = message
	return s.pass(s.sent, message), err
}

func (s *signing) ChallengeResponse(challenge []byte, user, _ string) ([]byte, error) {
	challenge = s.pass(s.received, challenge)
	return s.pass(s.proof, s.answer(challenge, user, "Lovelace-ä")), nil
}

func (*signing) pass(change func([]byte) []byte, message []byte) []byte {
	if change == nil {
		return message
	}
	return change(bytes.Clone(message))
}

// answer is the message with the proof and the MIC (MS-NLMP 2.2.1.3, 3.1.5.1.2, 3.3.2).
func (s *signing) answer(challenge []byte, user, password string) []byte {
	le := binary.LittleEndian
	size, at := int(le.Uint16(challenge[40:])), int(le.Uint32(challenge[44:]))
	pairs := bytes.Clone(challenge[at : at+size-4]) // without the end
	pairs = le.AppendUint32(le.AppendUint32(pairs, 6|4<<16), s.flags)
	if s.bindings != nil {
		pairs = append(le.AppendUint32(pairs, 10|16<<16), s.bindings...)
	}
	pairs = append(pairs, 0, 0, 0, 0)
	temp := append(append([]byte{1, 1, 0, 0, 0, 0, 0, 0}, make([]byte, 8)...), "client's"...) // the time is not looked at
	temp = append(append(append(temp, 0, 0, 0, 0), pairs...), 0, 0, 0, 0)
	hash := md4.New()
	hash.Write(wide(password))
	key := sum(hash.Sum(nil), wide(strings.ToUpper(user)))
	proof := sum(key, challenge[24:32], temp)
	const head = 88
	name := wide(user)
	m := []byte("NTLMSSP\x00\x03\x00\x00\x00")
	for _, field := range [][2]int{{0, head}, {len(proof) + len(temp), head + len(name)}, {0, head}, {len(name), head}, {0, head}, {0, head}} {
		m = le.AppendUint32(le.AppendUint16(le.AppendUint16(m, uint16(field[0])), uint16(field[0])), uint32(field[1]))
	}
	m = le.AppendUint32(m, le.Uint32(challenge[20:]))
	m = append(m, make([]byte, 8+16)...) // version and MIC
	m = append(append(append(m, name...), proof...), temp...)
	copy(m[72:], sum(sum(key, proof), s.negotiate, challenge, m))
	return m
}

func wide(text string) (b []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

func sum(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// A client that says it signs the exchange is held to it: whatever somebody on the line changes, the bind is refused.
func TestNTLMAltered(t *testing.T) {
	t.Parallel()
	s := smallAD(t)
	flip := func(at int) func([]byte) []byte {
		return func(m []byte) []byte { m[at] ^= 0x10; return m }
	}
	tests := []struct {
		name   string
		client signing
		want   string // "" for bound
	}{
		{"as it was sent", signing{flags: 2}, ""},
		{"beside other flags", signing{flags: 3}, ""},
		{"flags of the first message", signing{flags: 2, sent: flip(12)}, "8009030F"},
		{"flags of the challenge", signing{flags: 2, received: flip(20)}, "8009030F"},
		{"name of the target", signing{flags: 2, received: flip(48)}, "8009030F"},
		{"flags of the answer", signing{flags: 2, proof: flip(61)}, "8009030F"},
		{"version", signing{flags: 2, proof: flip(64)}, "8009030F"},
		{"the MIC", signing{flags: 2, proof: flip(80)}, "8009030F"},
		{"no MIC", signing{flags: 2, proof: func(m []byte) []byte { clear(m[72:88]); return m }}, "8009030F"},
		{"the puzzle", signing{flags: 2, received: flip(24)}, "data 52e"},
		{"the flag that says so", signing{flags: 2, proof: func(m []byte) []byte {
			return bytes.Replace(m, []byte{6, 0, 4, 0, 2}, []byte{6, 0, 4, 0, 0}, 1)
		}}, "data 52e"},
		{"what nobody signed", signing{proof: flip(64)}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn, client := dialAD(t, s), test.client
			_, err := conn.NTLMChallengeBind(&ldap.NTLMBindRequest{Username: "ada", Password: "x", Negotiator: &client})
			if test.want == "" && err != nil || test.want != "" && (!ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if who, err := conn.WhoAmI(nil); err != nil || (who.AuthzID != "") != (test.want == "") {
				t.Errorf("bound as %v, %v", who, err)
			}
		})
	}
}
