// SPDX-License-Identifier: MIT

package samba_test

import (
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// dial connects with ldaps and the server's authority, and binds as the administrator.
func dial(t *testing.T, s *samba.Server) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(s.LDAPS, ldap.DialWithTLSConfig(&tls.Config{RootCAs: s.CA.Pool(), MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Bind(s.Admin, s.AdminPassword); err != nil {
		t.Fatalf("bind as %s: %v", s.Admin, err)
	}
	return c
}

func describe(t *testing.T, c *ldap.Conn, dn, text string) {
	t.Helper()
	change := ldap.NewModifyRequest(dn, nil)
	change.Replace("description", []string{text})
	if err := c.Modify(change); err != nil {
		t.Fatal(err)
	}
}

func description(t *testing.T, c *ldap.Conn, dn string) string {
	t.Helper()
	result, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", []string{"description"}, nil))
	if err != nil || len(result.Entries) != 1 {
		t.Fatalf("read %s: %v, %v", dn, result, err)
	}
	return result.Entries[0].GetAttributeValue("description")
}

// Two servers of one configuration run beside each other, and one does not see what changes on the other.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	one, two := common.get(t), samba.Start(t, config)
	if one.IP == two.IP || one.Dir == two.Dir {
		t.Fatalf("both run on %s in %s", one.IP, one.Dir)
	}
	john := `cn=Doe\, John,ou=people,` + one.Suffix
	describe(t, dial(t, two), john, "changed")
	if got := description(t, dial(t, one), john); got != "" {
		t.Errorf("the other server says %q", got)
	}
}

func TestStopAndStart(t *testing.T) {
	t.Parallel()
	s := samba.Start(t, config)
	zoe, before := "cn=Zoe Angstrom,ou=people,"+s.Suffix, s.Pid()
	describe(t, dial(t, s), zoe, "kept")
	s.Stop()
	if c, err := ldap.DialURL(s.LDAP); err == nil {
		c.Close()
		t.Fatal("a stopped server accepts connections")
	}
	if s.Pid() != 0 {
		t.Errorf("a stopped server has process %d", s.Pid())
	}
	s.Start()
	if s.Pid() == 0 || s.Pid() == before {
		t.Errorf("process %d after a start, %d before", s.Pid(), before)
	}
	if got := description(t, dial(t, s), zoe); got != "kept" {
		t.Errorf("after a start the description is %q", got)
	}
}

// halted is a test as Start sees it, of which only the last words count.
type halted struct {
	*testing.T
	words *string
}

func (h halted) Fatalf(format string, args ...any) {
	*h.words = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// stops returns the words with which Start gives up.
func stops(t *testing.T, cfg samba.Config) (words string) {
	t.Helper()
	var wait sync.WaitGroup
	wait.Go(func() { samba.Start(halted{t, &words}, cfg) })
	wait.Wait()
	return words
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	common.get(t) // or skip
	tests := []struct{ name, ldif, want string }{
		{"nonsense", "\nnonsense\n", "ldif line 2: a line reads name: value"},
		{"what servers work out", "dn: cn=x,dc=example,dc=org\nobjectClass: user\nmemberOf: cn=y\n", "ldif line 1: memberOf follows from other entries"},
		{"no base64", "dn: cn=x,dc=example,dc=org\nuserPassword:: ?\n", "ldif line 2: the value of userPassword is no base64"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := stops(t, samba.Config{LDIF: test.ldif}); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
		})
	}
}
