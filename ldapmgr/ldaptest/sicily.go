// SPDX-License-Identifier: MIT

package ldaptest

import (
	"crypto/rand"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// sicily carries out a step of Active Directory's own way to bind by NTLM (MS-ADTS 5.1.1.1.3) and reports whether the request
// is one. Both the list of packages and the challenge come in the place of the matched DN.
func (o *operation) sicily(b wire.Bind) bool {
	puzzle := o.conn.takePuzzle()
	switch b.Method {
	case wire.BindNTLM1:
		o.reply(wire.Reply{MatchedDN: "NTLM"}, nil)
	case wire.BindNTLM2:
		if !isNTLM(b.Credentials, ntlmNegotiate) {
			o.reply(refusedAD(subBadPassword), nil)
			return true
		}
		puzzle = make([]byte, ntlmChallengeSize)
		_, _ = rand.Read(puzzle) // never fails
		o.conn.setPuzzle(puzzle)
		o.reply(wire.Reply{MatchedDN: string(o.dir.ntlmChallenge(puzzle))}, nil)
	case wire.BindNTLM3:
		who, reply := o.dir.bindNTLM(puzzle, b.Credentials)
		if reply.Code == codeSuccess {
			o.conn.become(who)
		}
		o.reply(reply, nil)
	default:
		return false
	}
	return true
}

// takePuzzle returns the challenge that was sent last, which serves once.
func (c *conn) takePuzzle() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	puzzle := c.puzzle
	c.puzzle = nil
	return puzzle
}

func (c *conn) setPuzzle(puzzle []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.puzzle = puzzle
}

// bindNTLM judges the answer to a challenge. Accounts of other domains are unknown, as where nobody is trusted.
func (d *Directory) bindNTLM(puzzle, token []byte) (identity, wire.Reply) {
	answer, ok := parseNTLM(token)
	if !ok || puzzle == nil {
		return identity{}, refusedAD(subBadPassword)
	}
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	var n *node
	if answer.domain == "" || strings.EqualFold(answer.domain, d.cfg.NetBIOS) || strings.EqualFold(answer.domain, dnsName(d.suffix)) {
		n = d.only(d.known.account, answer.user)
	}
	if n == nil {
		return identity{}, refusedAD(subNoSuchUser)
	}
	right := false
	if stored := n.entry.find(d.known.unicodePwd, ""); stored != nil {
		password, readable := decodeUnicodePwd(stored.values[0])
		right = readable && answer.proves(password, puzzle)
	}
	if code := d.refusal(n.entry, right); code != 0 {
		return identity{}, refusedAD(code)
	}
	return identity{text: n.entry.text, key: n.entry.key}, wire.Reply{}
}
