// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// NameForm is how a login name is written.
type NameForm string

// The forms of login names.
const (
	FormAccount NameForm = "account" // ada
	FormUPN     NameForm = "upn"     // ada@example.org
	FormDown    NameForm = "down"    // EXAMPLE\ada
)

// LoginName is a login name taken apart.
type LoginName struct {
	Form    NameForm
	Account string // without the domain
	Domain  string // as written: a NetBIOS name or a suffix; "" for FormAccount
	Text    string // the whole, without the space around it
}

// ErrLoginName marks a login name that cannot be one. No server is asked.
var ErrLoginName = errors.New("this is no login name: write user, user@domain or DOMAIN\\user")

const maxLoginName = 256

// ParseLoginName reads user, user@domain or DOMAIN\user. Spaces around it do not count. An address may hold more than one
// @; what is behind the last is the domain.
func ParseLoginName(text string) (LoginName, error) {
	name := strings.TrimSpace(text)
	if name == "" || len(name) > maxLoginName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return LoginName{}, ErrLoginName
	}
	if domain, account, found := strings.Cut(name, `\`); found {
		if domain == "" || account == "" || strings.ContainsAny(account, `\@`) || strings.Contains(domain, "@") {
			return LoginName{}, ErrLoginName
		}
		return LoginName{Form: FormDown, Account: account, Domain: domain, Text: name}, nil
	}
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		if at == 0 || at == len(name)-1 {
			return LoginName{}, ErrLoginName
		}
		return LoginName{Form: FormUPN, Account: name[:at], Domain: name[at+1:], Text: name}, nil
	}
	return LoginName{Form: FormAccount, Account: name, Text: name}, nil
}

// key is the same for all spellings of a name that differ in case and spaces.
func (n LoginName) key() string { return foldValue(n.Text) }
