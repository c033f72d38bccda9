// SPDX-License-Identifier: MIT

package panel_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
	"github.com/ldapscope/ldapscope/panel"
)

// copied asks something and returns the command that the panel offers for it.
func (s *stage) copied(t *testing.T, client *instrument.Client, base string) string {
	t.Helper()
	ctx, end := s.scope.Job(t.Context(), "copied")
	defer end()
	if _, err := client.Search(ctx, ldap.NewSearchRequest(base, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"objectClass"}, nil)); err != nil {
		t.Fatal(err)
	}
	searches := s.searches(t)
	return s.command(t, searches[len(searches)-1])
}

func (s *stage) searches(t *testing.T) []row {
	t.Helper()
	var list struct {
		Operations []row `json:"operations"`
	}
	s.get(t, "/api/v1/operations?q=op:search", &list)
	return list.Operations
}

func (s *stage) command(t *testing.T, op row) string {
	t.Helper()
	var detail struct {
		Copies map[string]string `json:"copies"`
	}
	s.get(t, "/api/v1/operations/"+jsonNumber(op.Seq), &detail)
	return detail.Copies["ldapsearch"]
}

// TestCopiedSearchRuns pastes the command of a search into a shell, with the password that it asks for: it asks as the application did.
func TestCopiedSearchRuns(t *testing.T) {
	t.Parallel()
	require.Program(t, "ldapsearch")
	s := newStage(t, panel.Config{})
	nobody, err := s.scope.Dial(t.Context(), s.directory, instrument.WithDomain("EXAMPLE"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nobody.Close(context.Background()) })
	runs := func(command, password string) {
		t.Helper()
		line := strings.Replace(command, " -W ", " -w "+password+" ", 1)
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "dn:") {
			t.Errorf("%s\nends with %v: %s", line, err, out)
		}
	}
	runs(s.copied(t, s.client, ldaptest.CompanyUser), ldaptest.CompanyServicePassword)
	runs(s.copied(t, nobody, ""), "none")
	if err := s.client.Bind(t.Context(), ldaptest.CompanyUser, ldaptest.CompanyPassword); err != nil {
		t.Fatal(err)
	}
	command := s.copied(t, s.client, ldaptest.CompanyUser)
	runs(command, ldaptest.CompanyPassword)
	if want := "-D '" + ldaptest.CompanyUser + "' -W"; !strings.Contains(command, want) {
		t.Errorf("after a bind as somebody else %s lacks %s", command, want)
	}
	if command := s.command(t, s.searches(t)[0]); !strings.Contains(command, "-D '"+ldaptest.CompanyService+"' -W") {
		t.Errorf("%s although the search was asked before the second bind", command)
	}
	if s.client.Bind(t.Context(), ldaptest.CompanyUser, "wrong") == nil {
		t.Fatal("a wrong password is accepted")
	}
	runs(s.copied(t, s.client, ""), "none")
	s.scope.Recorder().Clear()
	if command := s.copied(t, nobody, ""); !strings.Contains(command, "-D 'YOUR BIND DN' -W") {
		t.Errorf("%s although nobody knows what was bound before", command)
	}
}

// oneDomain is a manager's state without a manager.
type oneDomain struct{ status ldapmgr.Status }

func (d oneDomain) Statuses() []ldapmgr.Status             { return []ldapmgr.Status{d.status} }
func (oneDomain) HasAttribute(string, string) (bool, bool) { return false, false }

// TestCopiedSearchOfDomain holds the command to the account of a domain, whose bind may have left the recorder long ago.
func TestCopiedSearchOfDomain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status ldapmgr.Status
		want   string
	}{
		{"simple", ldapmgr.Status{BindMethod: "simple", BindName: "cn=it's"}, `ldapsearch -x -D 'cn=it'\''s' -W -H `},
		{"anonymous", ldapmgr.Status{BindMethod: "anonymous"}, "ldapsearch -x -H "},
		{"external", ldapmgr.Status{BindMethod: "external"}, "ldapsearch -Y EXTERNAL -H "},
		{"gssapi", ldapmgr.Status{BindMethod: "gssapi", BindName: "svc@EXAMPLE.ORG"}, "ldapsearch -Y GSSAPI -H "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.status.Name = "EXAMPLE"
			s := newStage(t, panel.Config{Domains: oneDomain{tt.status}})
			s.scope.Recorder().Clear()
			if command := s.copied(t, s.client, ""); !strings.HasPrefix(command, tt.want) {
				t.Errorf("got %s, want it to begin with %s", command, tt.want)
			}
		})
	}
}
