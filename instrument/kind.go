// SPDX-License-Identifier: MIT

package instrument

import "fmt"

// Kind is what an LDAP message asked for, in the words of RFC 4511 section 4.
type Kind uint8

// The kinds of operation. Notice is an unsolicited notification (RFC 4511 section 4.4), which answers no request.
const (
	KindBind Kind = iota + 1
	KindUnbind
	KindSearch
	KindModify
	KindAdd
	KindDelete
	KindModifyDN
	KindCompare
	KindAbandon
	KindExtended
	KindNotice
)

// Kinds is the number of kinds plus one, so that a Kind indexes an array of this length.
const Kinds = int(KindNotice) + 1

var kindNames = [Kinds]string{
	KindBind: "bind", KindUnbind: "unbind", KindSearch: "search", KindModify: "modify", KindAdd: "add",
	KindDelete: "delete", KindModifyDN: "modify_dn", KindCompare: "compare", KindAbandon: "abandon",
	KindExtended: "extended", KindNotice: "notice",
}

// String returns the name used in spans, metrics, JSON and queries.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Writes reports whether the kind changes the directory.
func (k Kind) Writes() bool {
	return k == KindModify || k == KindAdd || k == KindDelete || k == KindModifyDN
}

// State is how far an operation has come.
type State uint8

// The states of an operation. StateAbandoned means that the client stopped waiting because its context was cancelled;
// StateTimeout that a deadline or an idle limit ended the wait.
const (
	StateRunning State = iota
	StateDone
	StateError
	StateAbandoned
	StateTimeout
)

var stateNames = [...]string{"running", "done", "error", "abandoned", "timeout"}

// String returns the name used in JSON and queries.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}
