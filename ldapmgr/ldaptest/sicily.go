// SPDX-License-Identifier: MIT

package ldaptest

import (
	"bytes"
	"crypto/rand"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// sicily carries out a step of Active Directory's own way to bind by NTLM (MS-ADTS 5.1.1.1.3) and reports whether the request
// is one. Both the list of packages and the challenge come in the place of the matched DN.
func (o *operation) sicily(b wire.Bind) bool {
	said := o.conn.swapExchange(nil)
	switch b.Method {
	case wire.BindNTLM1:
		o.reply(wire.Reply{MatchedDN: "NTLM"}, nil)
	case wire.BindNTLM2:
		if !isNTLM(b.Credentials, ntlmNegotiate) {
			o.reply(refusedAD(subBadPassword), nil)
			return true
		}
		puzzle := make([]byte, ntlmChallengeSize)
		_, _ = rand.Read(puzzle) // never fails
		challenge := o.dir.ntlmChallenge(puzzle)
		o.conn.swapExchange(&ntlmExchange{negotiate: b.Credentials, challenge: challenge, puzzle: puzzle})
		o.reply(wire.Reply{MatchedDN: string(challenge)}, nil)
	case wire.BindNTLM3:
		who, reply := o.dir.bindNTLM(said, b.Credentials, o.conn.encrypted.Load())
		if reply.Code == codeSuccess {
			o.conn.become(who)
		}
		o.reply(reply, nil)
	default:
		return false
	}
	return true
}

// swapExchange keeps what the next step must answer, nil for nothing, and returns what it was, which serves once.
func (c *conn) swapExchange(next *ntlmExchange) *ntlmExchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = next
	return said
}

// bindNTLM judges the answer to a challenge. Accounts of other domains are unknown, as where nobody is trusted.
func (d *Directory) bindNTLM(said *ntlmExchange, token []byte, encrypted bool) (identity, wire.Reply) {
	answer, ok := parseNTLM(token)
	if !ok || said == nil {
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
	var key []byte
	right := false
	if stored := n.entry.find(d.known.unicodePwd, ""); stored != nil {
		password, readable := decodeUnicodePwd(stored.values[0])
		key = answer.key(password)
		right = readable && answer.proves(key, said.puzzle)
	}
	if code := d.refusal(n.entry, right); code != 0 {
		return identity{}, refusedAD(code)
	}
	if answer.altered(key, *said) { // SEC_E_MESSAGE_ALTERED
		return identity{}, wire.Reply{
			Code: codeInvalidCredentials, Diagnostic: "8009030F: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 0, v4563\x00",
		}
	}
	if encrypted && d.cfg.ChannelBinding && !bytes.Equal(answer.pair(avChannelBindings), d.channelBindings()) { // SEC_E_BAD_BINDINGS
		return identity{}, wire.Reply{
			Code: codeInvalidCredentials, Diagnostic: "80090346: LdapErr: DSID-0C090597, comment: AcceptSecurityContext error, data 80090346, v4563\x00",
		}
	}
	return identity{text: n.entry.text, key: n.entry.key}, wire.Reply{}
}
