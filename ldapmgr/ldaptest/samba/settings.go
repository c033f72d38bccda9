// SPDX-License-Identifier: MIT

package samba

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

func (s *Server) certificates() {
	s.tb.Helper()
	authority, err := ldaptest.NewAuthority()
	if err != nil {
		s.tb.Fatalf("set up samba: %v", err)
		return
	}
	cert, key, err := authority.Issue(ldaptest.Leaf{Hosts: []string{s.Host, machine, "localhost", s.IP}})
	if err != nil {
		s.tb.Fatalf("set up samba: %v", err)
	}
	s.CA = authority
	s.CAFile = s.write("tls/ca.pem", authority.CertPEM)
	s.write("tls/cert.pem", cert)
	s.write("tls/key.pem", key)
}

// settings replaces what the provisioning wrote, which names its own folder.
func (s *Server) settings() {
	s.tb.Helper()
	strong := "no"
	if s.cfg.Strong {
		strong = "yes"
	}
	s.write("etc/smb.conf", []byte(smbConf(s.cfg, s.Dir, append([]string{
		"interfaces = " + s.IP + "/8",
		"bind interfaces only = yes",
		"server services = ldap, kdc",
		"tls enabled = yes",
		"tls keyfile = " + filepath.Join(s.Dir, "tls", "key.pem"),
		"tls certfile = " + filepath.Join(s.Dir, "tls", "cert.pem"),
		"tls cafile = " + s.CAFile,
		"ldap server require strong auth = " + strong,
	}, s.cfg.Options...)...)))
	s.Krb5Conf = s.write("krb5.conf", []byte(s.krb5Conf()))
}

// smbConf keeps every path below dir, and every helper program from running.
func smbConf(cfg Config, dir string, more ...string) string {
	var b strings.Builder
	b.WriteString("[global]\n")
	for _, line := range append([]string{
		"realm = " + cfg.Realm,
		"workgroup = " + cfg.NetBIOS,
		"netbios name = " + strings.ToUpper(machine),
		"server role = active directory domain controller",
		"private dir = " + filepath.Join(dir, "private"),
		"state directory = " + filepath.Join(dir, "state"),
		"cache directory = " + filepath.Join(dir, "cache"),
		"lock directory = " + dir,
		"binddns dir = " + filepath.Join(dir, "bind-dns"),
		"pid directory = " + filepath.Join(dir, "run"),
		"ncalrpc dir = " + filepath.Join(dir, "run", "ncalrpc"),
		"winbindd socket directory = " + filepath.Join(dir, "run", "winbindd"),
		"ntp signd socket directory = " + filepath.Join(dir, "run", "ntp_signd"),
		"disable netbios = yes",
		"nsupdate command = /bin/true",
		"dns update command = /bin/true",
		"spn update command = /bin/true",
		"samba kcc command = /bin/true",
		"logging = file",
		"log file = " + filepath.Join(dir, "log.%m"),
		"max log size = 0",
	}, more...) {
		fmt.Fprintf(&b, "\t%s\n", line)
	}
	return b.String()
}

// krb5Conf lets Kerberos clients find the server without DNS.
func (s *Server) krb5Conf() string {
	domain := strings.ToLower(s.Realm)
	return fmt.Sprintf(`[libdefaults]
 default_realm = %[1]s
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
[realms]
 %[1]s = {
  kdc = %[2]s:88
  admin_server = %[2]s:464
  kpasswd_server = %[2]s:464
 }
[domain_realm]
 .%[3]s = %[1]s
 %[3]s = %[1]s
`, s.Realm, s.IP, domain)
}
