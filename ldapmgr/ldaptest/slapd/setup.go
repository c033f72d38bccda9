// SPDX-License-Identifier: MIT

package slapd

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/ldif"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// Where distributions keep schema files and loadable modules.
var (
	schemaFolders = []string{"/etc/ldap/schema", "/etc/openldap/schema", "/usr/local/etc/openldap/schema"}
	moduleFolders = []string{"/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/local/libexec/openldap"}
)

// overlays are the lines that set each one up.
var overlays = map[string]string{
	"memberof": "overlay memberof\nmemberof-group-oc groupOfNames\nmemberof-member-ad member\nmemberof-memberof-ad memberOf\nmemberof-refint TRUE\n",
	"refint":   "overlay refint\nrefint_attributes member memberOf manager\n",
	"ppolicy":  "overlay ppolicy\nppolicy_use_lockout\n",
	"sssvlv":   "overlay sssvlv\nsssvlv-max 16\nsssvlv-maxperconn 8\n",
}

func (s *Server) write(name string, content []byte) string {
	s.tb.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.tb.Fatalf("set up slapd: %v", err)
	}
	return path
}

func (s *Server) certificates() {
	s.tb.Helper()
	authority, err := ldaptest.NewAuthority()
	if err != nil {
		s.tb.Fatalf("set up slapd: %v", err)
		return
	}
	hosts := []string{"localhost", "127.0.0.1"}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name) // libldap replaces localhost by the host's name before it checks
	}
	cert, key, err := authority.Issue(ldaptest.Leaf{Hosts: hosts})
	if err != nil {
		s.tb.Fatalf("set up slapd: %v", err)
	}
	s.CA = authority
	s.CAFile = s.write("ca.pem", authority.CertPEM)
	s.write("cert.pem", cert)
	s.write("key.pem", key)
}

func (s *Server) configure(cfg Config) {
	s.tb.Helper()
	schema, modules := folder(schemaFolders), folder(moduleFolders)
	if schema == "" {
		require.Missing(s.tb, "slapd", "its schema files are in none of "+strings.Join(schemaFolders, ", "))
	}
	if cfg.Overlays == nil {
		cfg.Overlays = []string{"memberof", "sssvlv"}
	}
	var b strings.Builder
	for _, name := range []string{"core", "cosine", "inetorgperson", "nis"} {
		fmt.Fprintf(&b, "include %s\n", filepath.Join(schema, name+".schema"))
	}
	if cfg.Schema != "" {
		fmt.Fprintf(&b, "include %s\n", s.write("extra.schema", []byte(cfg.Schema)))
	}
	fmt.Fprintf(&b, "pidfile %s/slapd.pid\nargsfile %[1]s/slapd.args\nloglevel none\nthreads 8\n", s.Dir)
	if modules != "" {
		fmt.Fprintf(&b, "modulepath %s\n", modules)
		for _, name := range append([]string{"back_mdb"}, cfg.Overlays...) {
			if len(glob(filepath.Join(modules, name+".*"))) > 0 { // else it is built in
				fmt.Fprintf(&b, "moduleload %s\n", name)
			}
		}
	}
	fmt.Fprintf(&b, "TLSCACertificateFile %s/ca.pem\nTLSCertificateFile %[1]s/cert.pem\nTLSCertificateKeyFile %[1]s/key.pem\nTLSVerifyClient never\n", s.Dir)
	b.WriteString("sizelimit size.soft=500 size.hard=unlimited\ntimelimit 3600\n")
	b.WriteString("access to dn.base=\"\" by * read\naccess to dn.base=\"cn=Subschema\" by * read\n")
	writeLines(&b, cfg.Global)
	s.database(&b, cfg)
	s.write("slapd.conf", []byte(b.String()))
}

func (s *Server) database(b *strings.Builder, cfg Config) {
	data := filepath.Join(s.Dir, "db")
	if err := os.Mkdir(data, 0o700); err != nil {
		s.tb.Fatalf("set up slapd: %v", err)
	}
	fmt.Fprintf(b, "database mdb\nsuffix %q\nrootdn %q\nrootpw %s\ndirectory %s\nmaxsize 1073741824\n", s.Suffix, s.RootDN, s.RootPW, data)
	b.WriteString("envflags nosync writemap\ncheckpoint 0 0\n") // the data need not outlive the test
	b.WriteString("index objectClass,uid,mail,cn,sn,member,memberOf,employeeNumber,departmentNumber eq\n")
	if cfg.Access == nil {
		cfg.Access = []string{
			"access to attrs=userPassword by self =xw by anonymous auth by users =xw by * none",
			"access to * by users write by * read",
		}
	}
	writeLines(b, cfg.Access)
	writeLines(b, cfg.Lines)
	for _, name := range cfg.Overlays {
		lines, known := overlays[name]
		if !known {
			lines = "overlay " + name + "\n"
		}
		b.WriteString(lines)
	}
}

func writeLines(b *strings.Builder, lines []string) {
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
}

func folder(candidates []string) string {
	for _, path := range candidates {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return path
		}
	}
	return ""
}

func glob(pattern string) []string {
	found, _ := filepath.Glob(pattern) // the pattern is right
	return found
}

// fill loads the entries offline, which is the fastest way.
func (s *Server) fill(cfg Config) {
	s.tb.Helper()
	if cfg.LDIF == "" {
		return
	}
	text, err := withMemberOf(cfg.LDIF)
	if err != nil {
		s.tb.Fatalf("fill slapd: %v", err)
	}
	path := s.write("data.ldif", text)
	cmd := exec.Command(s.program, "-T", "add", "-q", "-f", filepath.Join(s.Dir, "slapd.conf"), "-b", s.Suffix, "-l", path) //nolint:gosec // found by require
	if output, err := cmd.CombinedOutput(); err != nil {
		s.tb.Fatalf("fill slapd: %v\n%s", err, output)
	}
}

// withMemberOf adds to each entry the groups that it is in: overlays do not run while data is loaded offline.
func withMemberOf(text string) ([]byte, error) {
	var records []ldif.Record
	groups := map[string][]string{}
	err := ldif.Read(strings.NewReader(text), func(r ldif.Record) error {
		records = append(records, r)
		for _, a := range r.Attributes {
			if strings.EqualFold(a.Name, "member") {
				for _, m := range a.Values {
					groups[fold(string(m))] = append(groups[fold(string(m))], r.DN)
				}
			}
		}
		return nil
	})
	var b bytes.Buffer
	for _, r := range records {
		line(&b, "dn", []byte(r.DN))
		for _, a := range r.Attributes {
			for _, v := range a.Values {
				line(&b, a.Name, v)
			}
		}
		for _, group := range groups[fold(r.DN)] {
			line(&b, "memberOf", []byte(group))
		}
		b.WriteByte('\n')
	}
	return b.Bytes(), err
}

// fold is enough to compare the names of one LDIF text with each other.
func fold(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(name, ", ", ","), " ,", ","))
}

func line(b *bytes.Buffer, name string, value []byte) {
	fmt.Fprintf(b, "%s:: %s\n", name, base64.StdEncoding.EncodeToString(value))
}
