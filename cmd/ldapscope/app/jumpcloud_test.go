// SPDX-License-Identifier: MIT

package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	_ "modernc.org/sqlite"

	"github.com/ldapscope/ldapscope/cmd/ldapscope/app"
	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/usersql"
	"github.com/ldapscope/ldapscope/panel"
)

// The directory of the JumpCloud guide: people and groups in one place, and a person whose account the application binds with.
const (
	jumpOrg    = "o=5f0ca11ab1e,dc=jumpcloud,dc=com"
	jumpUsers  = "ou=Users," + jumpOrg
	jumpSchema = `attributetype ( 1.3.6.1.4.1.32473.1 NAME 'company' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.32473.2 NAME 'jumpcloudUser' SUP top AUXILIARY MAY company )
`
)

// jumpFields are the fifteen fields of the guide's profile, by name: attribute and value.
var jumpFields = map[string][2]string{
	"first_name": {"givenName", "Joan"}, "last_name": {"sn", "Clarke"}, "email": {"mail", "joan@example.org"}, "username": {"uid", "joan"},
	"middle_name": {"initials", "E"}, "display_name": {"displayName", "Joan Clarke"}, "title": {"title", "Cryptanalyst"},
	"department": {"departmentNumber", "Hut 8"}, "cost_center": {"businessCategory", "CC-42"}, "location": {"physicalDeliveryOfficeName", "Bletchley"},
	"employee_id": {"employeeNumber", "1917"}, "employee_type": {"employeeType", "Permanent"}, "company": {"company", "Station X"},
	"description": {"description", "banburismus"}, "phone_no": {"mobile", "+44 1908 640404"},
}

func jumpLDIF() string {
	var b strings.Builder
	fmt.Fprintf(&b, "dn: %s\nobjectClass: organization\no: 5f0ca11ab1e\n\ndn: %s\nobjectClass: organizationalUnit\nou: Users\n\n", jumpOrg, jumpUsers)
	fmt.Fprintf(&b, "dn: uid=joan,%s\nobjectClass: inetOrgPerson\nobjectClass: jumpcloudUser\ncn: Joan Clarke\nuserPassword: of joan\n", jumpUsers)
	for _, f := range jumpFields {
		fmt.Fprintf(&b, "%s: %s\n", f[0], f[1])
	}
	for _, uid := range []string{"binder", "outsider"} {
		fmt.Fprintf(&b, "\ndn: uid=%s,%s\nobjectClass: inetOrgPerson\nuid: %[1]s\ncn: %[1]s\nsn: %[1]s\nuserPassword: of %[1]s\n", uid, jumpUsers)
	}
	for _, group := range []string{"app", "app_active", "app_staff"} {
		fmt.Fprintf(&b, "\ndn: cn=%s,%s\nobjectClass: groupOfNames\ncn: %[1]s\nmember: uid=joan,%s\n", group, jumpUsers, jumpUsers)
	}
	fmt.Fprintf(&b, "\ndn: cn=app_superuser,%s\nobjectClass: groupOfNames\ncn: app_superuser\nmember: uid=binder,%s\n", jumpUsers, jumpUsers)
	return b.String()
}

// jumpSite is the app on that directory, set up as the guide does.
func jumpSite(t *testing.T) (*site, *usersql.Store) {
	t.Helper()
	s := &site{t: t, scope: instrument.New()}
	s.directory = ldaptest.Start(t, ldaptest.Config{Suffix: jumpOrg, Schema: jumpSchema, LDIF: strings.NewReader(jumpLDIF())})
	domain := ldapmgr.DomainConfig{
		Preset: "jumpcloud", Servers: []string{s.directory.URL()}, Base: jumpOrg,
		Bind:   ldapmgr.Bind{Name: "uid=binder," + jumpUsers, Password: ldapmgr.Secret{Value: "of binder"}},
		Login:  ldapmgr.Login{Require: "app"},
		Users:  ldapmgr.Users{Places: []ldapmgr.Place{{Base: jumpUsers}}, Fields: map[string]ldapmgr.Field{}},
		Groups: ldapmgr.Groups{Strategy: ldapmgr.GroupsMember, Places: []ldapmgr.Place{{Base: jumpUsers}}},
		Sync:   ldapmgr.Sync{Flags: map[string]string{"active": "app_active", "staff": "app_staff", "superuser": "app_superuser"}, Mirror: ldapmgr.Mirror{On: new(true)}},
	}
	store := usersql.Config{Flags: []string{"active", "staff", "superuser"}}
	for name, f := range jumpFields {
		domain.Users.Fields[name] = ldapmgr.Field{Attribute: f[0]}
		store.Fields = append(store.Fields, name)
	}
	domains, err := ldapmgr.New(ldapmgr.Config{Scope: s.scope, Logger: slog.New(slog.DiscardHandler), Domains: map[string]ldapmgr.DomainConfig{"JUMPCLOUD": domain}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = domains.Close(context.Background()) })
	if store.DB, err = sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "users.db")+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.DB.Close() })
	users, err := usersql.New(store)
	if err == nil {
		err = users.CreateTables(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(app.Config{
		Scope: s.scope, Domains: domains, Domain: "JUMPCLOUD", Syncer: ldapmgr.NewSyncer(domains, users, ldapmgr.Hooks{}),
		Panel: panel.New(panel.Config{Scope: s.scope, Domains: domains, Token: token}), Tracers: trace.NewTracerProvider(), Meters: metric.NewMeterProvider(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.url, s.browser = server.URL, &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	return s, users
}

// TestJumpCloudGuide is the guide's application: who is in the required group logs in, the profile has fifteen fields and
// the flags of three groups, all of it kept locally by the login, and the logout ends it.
func TestJumpCloudGuide(t *testing.T) {
	t.Parallel()
	s, users := jumpSite(t)
	for range 2 {
		if got := s.logIn("joan", "of joan"); got.at != "/profile" || got.status != http.StatusOK {
			t.Fatalf("login: %d at %s: %s", got.status, got.at, got.body)
		}
	}
	q, ops := s.recorded(http.MethodPost, "/login")
	steps := []string{}
	for _, step := range q.Steps {
		steps = append(steps, step.Name)
	}
	if want := []string{"login.find", "login.bind", "login.groups", "sync.flags", "sync.save"}; !slices.Equal(steps, want) || len(ops) != 3 {
		t.Errorf("a warm login takes %d operations in %q, want 3 in %q", len(ops), steps, want)
	}
	_, account, _ := strings.Cut(s.get("/profile").body, "<h2>Local account joan</h2>")
	for name, f := range jumpFields {
		value := strings.ReplaceAll(f[1], "+", "&#43;")
		if want := "<dt>" + strings.ReplaceAll(name, "_", " ") + "</dt><dd>" + value + "</dd>"; !strings.Contains(account, want) {
			t.Errorf("the profile lacks %s", want)
		}
	}
	if want := `<span class="chip">active</span> <span class="chip">staff</span> </dd>`; !strings.Contains(account, want) || !strings.Contains(account, `<span class="chip">app</span>`) {
		t.Errorf("flags and groups of the profile:\n%s", account)
	}
	stored, found, err := users.Named(t.Context(), "", "joan")
	if err != nil || !found || len(stored.Fields) != len(jumpFields) || stored.Flags["superuser"] || !stored.Flags["staff"] {
		t.Errorf("the local account is %+v, %v", stored, err)
	}
	if got := s.do(http.MethodPost, "/logout", url.Values{}); got.at != "/" {
		t.Errorf("after the logout at %s", got.at)
	}
	if got := s.get("/profile"); got.at != "/login" {
		t.Error("the profile is shown after the logout")
	}
}

// TestJumpCloudGuideRefuses: who is not in the required group does not get in, and gets no local account.
func TestJumpCloudGuideRefuses(t *testing.T) {
	t.Parallel()
	s, users := jumpSite(t)
	if got := s.logIn("outsider", "of outsider"); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "You are not allowed to use this application.") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if _, found, err := users.Named(t.Context(), "", "outsider"); found || err != nil {
		t.Errorf("a local account was made: %v, %v", found, err)
	}
}
