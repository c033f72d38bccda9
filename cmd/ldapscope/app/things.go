// SPDX-License-Identifier: MIT

package app

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

const computerFilter = "(|(objectClass=computer)(objectClass=device))"

type computer struct{ DN, Name, System, Description string }

func (a *App) computers(w http.ResponseWriter, r *http.Request) {
	entries, err := a.search(r.Context(), computerFilter, "cn", "operatingSystem", "description")
	data := struct {
		Computers []computer
		Changed   string
	}{Changed: r.URL.Query().Get("changed")}
	for _, e := range entries {
		data.Computers = append(data.Computers, computer{e.DN, e.GetEqualFoldAttributeValue("cn"), e.GetEqualFoldAttributeValue("operatingSystem"), e.GetEqualFoldAttributeValue("description")})
	}
	a.show(w, r, "computers", "Computers", data, err)
}

// editComputer changes a description: it compares first, so that an unchanged form writes nothing.
func (a *App) editComputer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	dn, description := r.PostFormValue("dn"), r.PostFormValue("description")
	if _, ok := a.session(r); !ok {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	same, err := a.domain.Compare(r.Context(), dn, "description", description)
	if code, _ := instrument.ResultCode(err); code == ldap.LDAPResultNoSuchAttribute {
		err = nil // it has none yet
	}
	if err == nil && !same {
		change := ldap.NewModifyRequest(dn, nil)
		change.Replace("description", []string{description})
		_, err = a.domain.Modify(r.Context(), change)
	}
	if err != nil {
		a.show(w, r, "computers", "Computers", nil, err)
		return
	}
	http.Redirect(w, r, "/computers?changed="+url.QueryEscape(dn), http.StatusSeeOther)
}

type group struct {
	Name, Description string
	Members           []string
	More              int
}

// groups asks for each member of each group by itself: the deliberate fault that the panel is to show (N+1 searches).
func (a *App) groups(w http.ResponseWriter, r *http.Request) {
	entries, err := a.search(r.Context(), "(|(objectClass=group)(objectClass=groupOfNames))", "cn", "description", "member")
	var data []group
	for _, e := range entries[:min(len(entries), 12)] {
		g := group{Name: e.GetEqualFoldAttributeValue("cn"), Description: e.GetEqualFoldAttributeValue("description")}
		members := e.GetEqualFoldAttributeValues("member")
		for _, dn := range members[:min(len(members), 4)] {
			if member, readErr := a.domain.Read(r.Context(), dn, "cn", "displayName"); readErr == nil {
				g.Members = append(g.Members, personOf(member).Name)
			}
		}
		g.More = len(members) - len(g.Members)
		data = append(data, g)
	}
	a.show(w, r, "groups", "Groups", data, err)
}

// failing shows a bind that is refused and a name that does not exist.
func (a *App) failing(w http.ResponseWriter, r *http.Request) {
	var data struct{ Bind, Missing string }
	entries, err := a.search(r.Context(), "(|(sAMAccountName=grace)(cn=Grace*))", "cn")
	if err == nil && len(entries) > 0 {
		bindErr := a.domain.BindAs(r.Context(), entries[0].DN, "not the password")
		data.Bind = entries[0].DN + " was let in"
		if errors.Is(bindErr, ldapmgr.ErrInvalidCredentials) {
			data.Bind = ldapmgr.Hint(bindErr)
		}
	}
	if _, missing := a.domain.Read(r.Context(), "cn=nobody,"+a.domain.Base(), "cn"); missing != nil {
		data.Missing = ldapmgr.Hint(missing)
	}
	a.show(w, r, "failing", "Failing", data, err)
}

// slow searches where no index helps.
func (a *App) slow(w http.ResponseWriter, r *http.Request) {
	entries, err := a.search(r.Context(), "(description=*a*)", "cn", "description")
	a.show(w, r, "slow", "Slow search", len(entries), err)
}
