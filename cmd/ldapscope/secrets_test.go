// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/gorilla/websocket"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// The secrets that are planted, and one value that is none: it must be found, or the search would prove nothing.
const (
	secretService = "pl4ntedServiceAccount7"
	secretLogin   = "pl4ntedLoginRight7"
	secretWrong   = "pl4ntedLoginWrong7"
	secretChanged = "pl4ntedUserPassword7"
	secretUnicode = "pl4ntedUnicodePwd7"
	secretOld     = "pl4ntedOldPassword7"
	secretNew     = "pl4ntedNewPassword7"
	secretAsked   = "pl4ntedFilterValue7"
	secretRead    = "pl4ntedStoredHash7"
	noSecret      = "controlDescription7"
)

const (
	secretPerson = "cn=Ann,dc=example,dc=org"
	secretLDIF   = "dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\ndn: " + secretPerson + "\nobjectClass: inetOrgPerson\nobjectClass: sambaSamAccount\n" +
		"cn: Ann\nsn: Ann\nuserPassword: " + secretOld + "\nsambaNTPassword: " + secretRead + "\n"
	// secretSchema is a secret that directories do hand out.
	secretSchema = "attributetype ( 1.3.6.1.4.1.7165.2.1.25 NAME 'sambaNTPassword' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )\n" +
		"objectclass ( 1.3.6.1.4.1.7165.2.2.6 NAME 'sambaSamAccount' SUP top AUXILIARY MAY sambaNTPassword )\n"
)

// secretPlant is a serve --app with an Active Directory for the app and an OpenLDAP for the manager, and everything that it
// lets out.
type secretPlant struct {
	*running
	manager *ldapmgr.Manager
	spans   *tracetest.SpanRecorder
	sinks   map[string][]byte
	frames  func() []byte // ends the websocket and returns what came
}

func plant(t *testing.T) *secretPlant {
	t.Helper()
	company := strings.ReplaceAll(ldaptest.Company(8), "userPassword: "+ldaptest.CompanyServicePassword, "userPassword: "+secretService)
	company = strings.ReplaceAll(company, "userPassword: "+ldaptest.CompanyPassword, "userPassword: "+secretLogin)
	active := ldaptest.Start(t, ldaptest.Config{Profile: ldaptest.ActiveDirectory, LDIF: strings.NewReader(company)})
	open := ldaptest.Start(t, ldaptest.Config{RootPassword: secretService, LDIF: strings.NewReader(secretLDIF), Schema: secretSchema})
	config := write(t, "config.yaml", fmt.Sprintf(`
default: EXAMPLE
defaults: {base: "dc=example,dc=org", read_only: false}
domains:
  EXAMPLE: {servers: [%q], bind: {name: %q, password: {value: %s}}}
  LAB: {servers: [%q], bind: {name: "cn=admin,dc=example,dc=org", password: {value: %[3]s}}}
`, active.URL(), ldaptest.CompanyService, secretService, open.URL()))
	p := &secretPlant{spans: tracetest.NewSpanRecorder(), sinks: map[string][]byte{}}
	watch := func(a program.Assembled) {
		p.manager = a.Domains
		a.Tracers.RegisterSpanProcessor(p.spans)
	}
	p.running = startHere(t, watch, nil, "serve", "--config", config, "--listen", "127.0.0.1:0", "--app", "127.0.0.1:0", "--log", "debug")
	p.follow()
	return p
}

// add appends to a sink.
func (p *secretPlant) add(sink, text string) {
	p.sinks[sink] = append(append(p.sinks[sink], text...), '\n')
}

// follow reads the live connection until frames is called.
func (p *secretPlant) follow() {
	p.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.panel, "http")+"/api/v1/live", http.Header{"Authorization": {"Bearer " + panelToken}})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)); err != nil {
		p.t.Fatal(err)
	}
	var all output
	var reader sync.WaitGroup
	reader.Go(func() { // ends with the connection
		for {
			_, body, err := conn.ReadMessage()
			if err != nil {
				return
			}
			_, _ = all.Write(append(body, '\n')) // a buffer takes everything
		}
	})
	p.t.Cleanup(func() { _ = conn.Close(); reader.Wait() })
	p.frames = func() []byte {
		p.await("the control value in a frame", func() bool { return strings.Contains(all.String(), noSecret) })
		_ = conn.Close()
		reader.Wait()
		return []byte(all.String())
	}
}

// useApp logs in with the right and the wrong password, and writes the value that is no secret.
func (p *secretPlant) useApp() {
	p.t.Helper()
	if status, page := p.submit("/login", "username", "ada", "password", secretLogin); status != 200 {
		p.t.Fatalf("login: %d %s", status, page)
	}
	for _, path := range []string{"/", "/login", "/profile", "/people", "/computers", "/groups", "/failing", "/slow"} {
		_, page := p.visit(path)
		p.add("pages of the app", page)
	}
	p.visit("/people?q=" + noSecret)
	status, page := p.submit("/login", "username", "ada", "password", secretWrong)
	p.add("pages of the app", page)
	if status != 401 {
		p.t.Errorf("wrong password: %d", status)
	}
	_, page = p.submit("/computers", "dn", "cn=PC-0001,ou=computers,dc=example,dc=org", "description", noSecret)
	p.add("pages of the app", page)
}

// useManager changes, compares, reads and asks for passwords in every way that LDAP has.
func (p *secretPlant) useManager() {
	p.t.Helper()
	domain := func(name string) *ldapmgr.Domain {
		d, err := p.manager.Domain(name)
		if err != nil {
			p.t.Fatal(err)
		}
		return d
	}
	lab, example, ctx := domain("LAB"), domain("EXAMPLE"), context.Background()
	modify := func(d *ldapmgr.Domain, dn, attribute, value string) error {
		change := ldap.NewModifyRequest(dn, nil)
		change.Replace(attribute, []string{value})
		_, err := d.Modify(ctx, change)
		return err
	}
	add := ldap.NewAddRequest("cn=New,dc=example,dc=org", nil)
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	add.Attribute("cn", []string{"New"})
	add.Attribute("sn", []string{"New"})
	add.Attribute("userPassword", []string{secretChanged})
	_, changeErr := lab.PasswordModify(ctx, ldap.NewPasswordModifyRequest(secretPerson, secretOld, secretNew))
	_, refusedErr := lab.PasswordModify(ctx, ldap.NewPasswordModifyRequest("cn=Nobody,dc=example,dc=org", secretOld, secretNew))
	_, compareErr := lab.Compare(ctx, secretPerson, "sambaNTPassword", secretAsked)
	_, forbiddenErr := lab.Compare(ctx, secretPerson, "userPassword", secretAsked)
	_, searchErr := lab.Search(ctx, ldap.NewSearchRequest("", ldap.ScopeWholeSubtree, 0, 0, 0, false, "(|(userPassword="+secretAsked+")(unicodePwd=*"+secretAsked+"*))", nil, nil))
	read, readErr := lab.Read(ctx, secretPerson, "*", "userPassword")
	if readErr != nil || read.GetAttributeValue("sambaNTPassword") != secretRead {
		p.t.Errorf("the directory gives no password to hide: %v %v", read, readErr)
	}
	failed := map[string]error{
		"modify": modify(lab, secretPerson, "userPassword", secretChanged), "add": lab.Add(ctx, add), "password modify": changeErr, "compare": compareErr,
		"search": searchErr, "user's bind": lab.BindAs(ctx, secretPerson, secretChanged), "modify with an option": modify(lab, secretPerson, "userPassword;lang-en", secretNew),
	}
	for what, err := range failed {
		if err != nil {
			p.t.Errorf("%s was meant to work: %v", what, err)
		}
	}
	for _, err := range []error{
		refusedErr, lab.BindAs(ctx, secretPerson, secretWrong), modify(lab, "cn=Nobody,dc=example,dc=org", "userPassword", secretChanged),
		forbiddenErr, modify(example, ldaptest.CompanyUser, "unicodePwd", string(ldaptest.EncodeUnicodePwd(secretUnicode))),
	} {
		if err == nil {
			p.t.Error("nothing failed that was meant to fail")
		}
		p.add("errors", fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

// collect asks for everything that the program lets out, ends it, and reads what it leaves.
func (p *secretPlant) collect() {
	p.t.Helper()
	ask := func(sink, path string) {
		_, body := p.body(path)
		p.add(sink, body)
	}
	p.sinks["websocket frames"] = p.frames()
	for _, op := range p.operations("") {
		ask("operations", fmt.Sprintf("/api/v1/operations/%d", op.Seq))
	}
	for path, sink := range map[string]string{
		"/api/v1/operations?limit=5000": "operations", "/api/v1/requests": "requests", "/api/v1/domains": "domains", "/api/v1/runs": "runs",
		"/api/v1/shapes": "runs", "/api/v1/export?format=jsonl": "export", "/api/v1/keys": "keys", "/api/v1/findings": "findings", "/metrics": "metrics", "/": "page",
	} {
		ask(sink, path)
	}
	var list struct {
		Requests []requestRow `json:"requests"`
	}
	p.get("/api/v1/requests", &list)
	for _, q := range list.Requests {
		ask("requests", "/api/v1/requests/"+q.ID)
	}
	p.files("files while it runs")
	p.stop()
	p.files("files")
	for _, span := range p.spans.Ended() {
		p.add("spans", fmt.Sprintf("%s %s %v %v", span.Name(), span.Status().Description, span.Links(), span.Resource()))
		for _, a := range span.Attributes() {
			p.add("spans", string(a.Key)+"="+a.Value.String())
		}
		for _, e := range span.Events() {
			p.add("spans", fmt.Sprint(e))
		}
	}
	p.add("stdout", p.stdout.String())
	p.add("stderr with the debug log", p.stderr.String())
	for _, args := range [][]string{{"metrics", "list"}, {"metrics", "list", "--format", "json"}, {"metrics", "top"}, {"metrics", "top", "--format", "csv"}} {
		var out output
		program.Run(p.t.Context(), args, strings.NewReader(""), &out, &out, environment(p.home), nil)
		p.add("metrics command", out.String())
	}
}

// files reads the database, its spools and whatever else the program keeps.
func (p *secretPlant) files(sink string) {
	p.t.Helper()
	err := filepath.WalkDir(p.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		p.sinks[sink] = append(p.sinks[sink], content...)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		p.t.Error(err)
	}
}

// TestSecrets holds the promise of the whole product: what is secret comes out nowhere.
func TestSecrets(t *testing.T) {
	t.Parallel()
	p := plant(t)
	p.useManager()
	p.useApp()
	p.collect()
	for _, sink := range []string{
		"operations", "requests", "domains", "runs", "export", "keys", "metrics", "page", "websocket frames", "spans", "stdout", "stderr with the debug log",
		"files while it runs", "files", "pages of the app", "errors", "metrics command",
	} {
		if len(strings.TrimSpace(string(p.sinks[sink]))) < 20 {
			t.Errorf("the sink %q is empty, which proves nothing: %q", sink, p.sinks[sink])
		}
	}
	for _, secret := range []string{secretService, secretLogin, secretWrong, secretChanged, secretUnicode, secretOld, secretNew, secretAsked, secretRead} {
		for _, leak := range leaks(p.sinks, secret) {
			t.Errorf("%s: %s", secret, leak)
		}
	}
	// The same search finds what is no secret in each place that shows values.
	for _, sink := range []string{"operations", "requests", "export", "websocket frames", "pages of the app"} {
		if len(leaks(map[string][]byte{sink: p.sinks[sink]}, noSecret)) == 0 {
			t.Errorf("%s does not show %s, so that it proves nothing", sink, noSecret)
		}
	}
	// Spans, metrics and the log show no value, secret or not.
	for _, sink := range []string{"spans", "metrics", "stderr with the debug log"} {
		for _, leak := range leaks(map[string][]byte{sink: p.sinks[sink]}, noSecret) {
			t.Errorf("%s: %s", noSecret, leak)
		}
	}
}
