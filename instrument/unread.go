// SPDX-License-Identifier: MIT

package instrument

import "github.com/ldapscope/ldapscope/instrument/wire"

// unread is the filter of a search as it was sent. Most operations leave the ring without anybody having looked at them, and
// to write the text of a filter costs more than to keep what it is made of. The memory belongs to the record and is used
// again with it.
type unread []byte

// mostUnread bounds it, so that who looks at many operations at once does not hold the recorder for long.
const mostUnread = 512

// keep keeps the filter of a request; false means that its text has to be written now: only the highest level shows a filter
// as it was sent, and no level one that may hold a secret.
func (u *unread) keep(v *requestView, r *redactor) bool {
	if r.level != LevelValues || len(v.search.Filter) > mostUnread || v.summed.secret {
		return false
	}
	*u = append((*u)[:0], v.search.Filter...)
	return true
}

// text returns the filter as people read it.
func (u unread) text() string {
	f, err := wire.ParseFilter(u)
	if err != nil { // it was read before it was sent
		return ""
	}
	return string(f.AppendText(nil, appendValue))
}

func appendValue(dst, _, value []byte) []byte { return wire.AppendEscaped(dst, value) }
