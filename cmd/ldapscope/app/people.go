// SPDX-License-Identifier: MIT

package app

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
)

// personFilter matches people of Active Directory and of OpenLDAP alike.
const personFilter = "(|(&(objectClass=user)(!(objectClass=computer)))(objectClass=inetOrgPerson))"

var personAttributes = []string{"cn", "displayName", "mail", "title", "department", "telephoneNumber", "manager", "memberOf", "sAMAccountName", "uid"}

// person is what the pages show of somebody.
type person struct {
	DN, Name, Login, Mail, Title, Department, Phone, ManagerDN string
	Groups                                                     []string
}

func personOf(e *ldap.Entry) person {
	first := func(names ...string) string {
		for _, n := range names {
			if v := e.GetEqualFoldAttributeValue(n); v != "" {
				return v
			}
		}
		return ""
	}
	return person{
		DN: e.DN, Name: first("displayName", "cn"), Login: first("sAMAccountName", "uid"), Mail: first("mail"), Title: first("title"),
		Department: first("department", "departmentNumber"), Phone: first("telephoneNumber"), ManagerDN: first("manager"),
		Groups: e.GetEqualFoldAttributeValues("memberOf"),
	}
}

func (a *App) home(w http.ResponseWriter, r *http.Request) { a.show(w, r, "home", "Welcome", nil, nil) }

// search asks the domain from its base.
func (a *App) search(ctx context.Context, filter string, attributes ...string) ([]*ldap.Entry, error) {
	result, err := a.domain.Search(ctx, everywhere(a.domain, filter, attributes...))
	if err != nil {
		return nil, err
	}
	return result.Entries, nil
}

func everywhere(d *ldapmgr.Domain, filter string, attributes ...string) *ldap.SearchRequest {
	return ldap.NewSearchRequest(d.Base(), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
}

// login asks the domain, which searches the person, binds as them and reads their groups, each in a step of its own.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		a.show(w, r, "login", "Log in", nil, nil)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	who, err := a.authenticate(r.Context(), ldapmgr.Credentials{
		Domain: a.domain.Name(), Name: r.PostFormValue("username"), Password: r.PostFormValue("password"), Address: address,
	})
	var refused *ldapmgr.LoginError
	switch {
	case errors.As(err, &refused) && refused.Outcome != ldapmgr.OutcomeUnavailable:
		w.WriteHeader(http.StatusUnauthorized)
		a.show(w, r, "login", "Log in", refused.Public(), nil)
	case err != nil:
		a.show(w, r, "login", "Log in", nil, err)
	default:
		a.logIn(r.Context(), w, who)
		http.Redirect(w, r, "/profile", http.StatusSeeOther)
	}
}

// authenticate logs a person in, and brings the local account up to date where the application keeps some.
func (a *App) authenticate(ctx context.Context, c ldapmgr.Credentials) (session, error) {
	if a.config.Syncer == nil {
		u, err := a.domain.Authenticate(ctx, c)
		if err != nil {
			return session{}, err
		}
		return session{name: u.Account, dn: u.DN, key: u.Key}, nil
	}
	done, err := a.config.Syncer.Login(ctx, c)
	if err != nil {
		return session{}, err
	}
	return session{name: done.User.Account, dn: done.User.DN, key: done.User.Key}, nil
}

// profile reads the person, their manager and the names of their groups.
func (a *App) profile(w http.ResponseWriter, r *http.Request) {
	s, ok := a.session(r)
	if !ok {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	instrument.WithUser(r.Context(), s.name)
	entry, err := a.domain.Read(r.Context(), s.dn, personAttributes...)
	if err != nil {
		a.show(w, r, "profile", "Profile", nil, err)
		return
	}
	data := struct {
		person
		Manager    string
		GroupNames []string
		Account    *account
	}{person: personOf(entry), Account: a.account(r.Context(), s)}
	if data.ManagerDN != "" {
		if boss, bossErr := a.domain.Read(r.Context(), data.ManagerDN, "cn", "displayName"); bossErr == nil {
			data.Manager = personOf(boss).Name
		}
	}
	groups, err := a.search(r.Context(), "(member="+ldap.EscapeFilter(s.dn)+")", "cn")
	for _, g := range groups {
		data.GroupNames = append(data.GroupNames, g.GetEqualFoldAttributeValue("cn"))
	}
	a.show(w, r, "profile", "Profile", data, err)
}

// account is the local account of a person: what the application keeps of the directory.
type account struct {
	Name   string
	Fields []field
	Flags  []string // that are on
	Groups []string
	Synced string
}

type field struct{ Name, Value string }

// account returns the local account as the last login left it, without asking the directory; nil where none are kept.
func (a *App) account(ctx context.Context, s session) *account {
	if a.config.Syncer == nil {
		return nil
	}
	known, err := a.config.Syncer.Stale(ctx, a.domain.Name(), s.key)
	if err != nil {
		return nil // it was deleted since; the next login makes it anew
	}
	local := &account{Name: known.Account.Name, Groups: known.Account.Groups, Synced: known.Account.LastSync.Format(time.RFC3339)}
	for _, name := range slices.Sorted(maps.Keys(known.Account.Fields)) {
		local.Fields = append(local.Fields, field{strings.ReplaceAll(name, "_", " "), known.Account.Fields[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(known.Account.Flags)) {
		if known.Account.Flags[name] {
			local.Flags = append(local.Flags, name)
		}
	}
	return local
}

// pageSize is small, so that a search over everybody takes several pages.
const pageSize = 100

// people searches by name, mail or department, page by page.
func (a *App) people(w http.ResponseWriter, r *http.Request) {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	filter := personFilter
	if q != "" && len(q) <= 256 {
		value := ldap.EscapeFilter(q)
		filter = "(&" + personFilter + "(|(cn=*" + value + "*)(mail=*" + value + "*)(department=" + value + ")))"
	}
	data := struct {
		Q      string
		People []person
		More   int
	}{Q: q}
	var failure error
	for e, err := range a.domain.Entries(r.Context(), everywhere(a.domain, filter, personAttributes...), pageSize) {
		switch {
		case err != nil:
			failure = err
		case len(data.People) < 50:
			data.People = append(data.People, personOf(e.Entry))
		default:
			data.More++
		}
	}
	a.show(w, r, "people", "People", data, failure)
}
