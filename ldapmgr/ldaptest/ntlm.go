// SPDX-License-Identifier: MIT

package ldaptest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // NTLMv2 is made of it
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //nolint:gosec,staticcheck // NTLM hashes passwords with it
)

// The messages of NTLM (MS-NLMP 2.2.1).
const (
	ntlmNegotiate    = 1
	ntlmChallenge    = 2
	ntlmAuthenticate = 3

	ntlmChallengeSize = 8
	ntlmProofSize     = 16
	ntlmTempSize      = 28 // of an NTLMv2 answer behind the proof, before its pairs; an NTLMv1 answer is 24 bytes in all
	ntlmMICAt         = 72 // in the message with the proof
	ntlmMICSize       = 16
)

// What the pairs in target information are about (MS-NLMP 2.2.2.1).
const (
	avEnd = iota
	avComputer
	avDomain
	avDNSComputer
	avDNSDomain
	_ // the forest
	avFlags
	avTimestamp
	_ // a single host
	_ // the target's name
	avChannelBindings
)

const avHasMIC = 0x2 // of avFlags

var ntlmSignature = []byte("NTLMSSP\x00")

// Flags of the challenge (MS-NLMP 2.2.2.5): unicode, request target, NTLM, target type domain, extended session security,
// target info, 128 bit.
const ntlmFlags = 0x1 | 0x4 | 0x200 | 0x10000 | 0x80000 | 0x800000 | 0x20000000

func isNTLM(message []byte, kind uint32) bool {
	return len(message) >= 12 && bytes.HasPrefix(message, ntlmSignature) && binary.LittleEndian.Uint32(message[8:]) == kind
}

// ntlmChallenge is the message that asks for a proof (MS-NLMP 2.2.1.2).
func (d *Directory) ntlmChallenge(puzzle []byte) []byte {
	const header = 48
	target := utf16le(d.cfg.NetBIOS)
	domain := dnsName(d.suffix)
	var info []byte
	for _, pair := range []struct {
		id    uint16
		value []byte
	}{
		{avDomain, target},
		{avComputer, utf16le("DC1")},
		{avDNSDomain, utf16le(domain)},
		{avDNSComputer, utf16le("dc1." + domain)},
		{avTimestamp, binary.LittleEndian.AppendUint64(nil, uint64(FileTime(d.cfg.Now())))}, // asks for a MIC (3.1.5.1.2)
		{avEnd, nil},
	} {
		info = binary.LittleEndian.AppendUint16(info, pair.id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(pair.value)))
		info = append(info, pair.value...)
	}
	m := bytes.Clone(ntlmSignature)
	m = binary.LittleEndian.AppendUint32(m, ntlmChallenge)
	m = appendField(m, len(target), header)
	m = binary.LittleEndian.AppendUint32(m, ntlmFlags)
	m = append(m, puzzle...)
	m = append(m, make([]byte, 8)...)
	m = appendField(m, len(info), header+len(target))
	return append(append(m, target...), info...)
}

// appendField appends where in a message something stands.
func appendField(m []byte, size, offset int) []byte {
	m = binary.LittleEndian.AppendUint16(m, uint16(size))
	m = binary.LittleEndian.AppendUint16(m, uint16(size))
	return binary.LittleEndian.AppendUint32(m, uint32(offset))
}

// ntlmExchange is what was said before the proof.
type ntlmExchange struct {
	negotiate []byte
	challenge []byte
	puzzle    []byte // in challenge
}

// ntlmAnswer is who somebody says to be, with the proof.
type ntlmAnswer struct {
	message      []byte
	user, domain string
	proof, temp  []byte
}

// parseNTLM reads the message with the proof (MS-NLMP 2.2.1.3). NTLMv1 and anonymous answers are not taken.
func parseNTLM(message []byte) (a ntlmAnswer, ok bool) {
	if !isNTLM(message, ntlmAuthenticate) {
		return a, false
	}
	answer, answered := field(message, 20)
	domain, named := field(message, 28)
	user, known := field(message, 36)
	if !answered || !named || !known || len(user) == 0 || len(answer) < ntlmProofSize+ntlmTempSize {
		return a, false
	}
	a.proof, a.temp = answer[:ntlmProofSize], answer[ntlmProofSize:]
	a.message, a.user, a.domain = message, fromUTF16le(user), fromUTF16le(domain)
	return a, a.temp[0] == 1 && a.temp[1] == 1
}

func field(message []byte, at int) ([]byte, bool) {
	if len(message) < at+8 {
		return nil, false
	}
	size, offset := uint64(binary.LittleEndian.Uint16(message[at:])), uint64(binary.LittleEndian.Uint32(message[at+4:]))
	if offset+size > uint64(len(message)) {
		return nil, false
	}
	return message[offset : offset+size], true
}

// key is what the answer to a challenge is made with, given the password (MS-NLMP 3.3.2).
func (a ntlmAnswer) key(password string) []byte {
	hash := md4.New() //nolint:gosec // what the protocol asks for
	_, _ = hash.Write(utf16le(password))
	return hmacMD5(hash.Sum(nil), utf16le(strings.ToUpper(a.user)+a.domain))
}

// proves reports whether the answer to a challenge was made with a key.
func (a ntlmAnswer) proves(key, puzzle []byte) bool {
	return hmac.Equal(a.proof, hmacMD5(key, puzzle, a.temp))
}

// altered reports whether the three messages are not those that the client sent and received: it says in what the proof
// covers that it signed them, and did not (MS-NLMP 3.2.5.1.2). No key is ever exchanged here, so that the session's own is that
// of the proof.
func (a ntlmAnswer) altered(key []byte, said ntlmExchange) bool {
	flags := a.pair(avFlags)
	if len(flags) != 4 || binary.LittleEndian.Uint32(flags)&avHasMIC == 0 {
		return false
	}
	if len(a.message) < ntlmMICAt+ntlmMICSize {
		return true
	}
	signed := bytes.Clone(a.message)
	clear(signed[ntlmMICAt : ntlmMICAt+ntlmMICSize])
	mic := hmacMD5(hmacMD5(key, a.proof), said.negotiate, said.challenge, signed)
	return !hmac.Equal(a.message[ntlmMICAt:ntlmMICAt+ntlmMICSize], mic)
}

// pair returns what the answer says about one thing, or nil.
func (a ntlmAnswer) pair(id uint16) []byte {
	pairs := a.temp[ntlmTempSize:]
	for len(pairs) >= 4 {
		size := int(binary.LittleEndian.Uint16(pairs[2:]))
		if len(pairs) < 4+size {
			return nil
		}
		switch binary.LittleEndian.Uint16(pairs) {
		case avEnd:
			return nil
		case id:
			return pairs[4 : 4+size]
		}
		pairs = pairs[4+size:]
	}
	return nil
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	h := hmac.New(md5.New, key)
	for _, p := range parts {
		_, _ = h.Write(p)
	}
	return h.Sum(nil)
}

func utf16le(text string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

func fromUTF16le(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
