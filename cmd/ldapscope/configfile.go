// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/kerberos"
)

// fileConfig is what a configuration file says.
type fileConfig struct {
	manager  ldapmgr.Config
	first    string // domain that stands first
	panel    panelConfig
	recorder recorderConfig
	database string
	// usersDatabase holds the local accounts that sync keeps.
	usersDatabase string
	logLevel      string
	lines         map[string]int    // line of every key, by its path
	env           map[string]string // environment variable of every value that came from one, by its path
	path          string
}

type panelConfig struct {
	listen    string
	tokenFile string
	hosts     []string
	prefix    string
}

type recorderConfig struct {
	level      instrument.Level
	operations int
	bytes      int
}

// readConfig reads a configuration file, or stdin where path is "-". The error lists everything that is wrong with it, each
// with its line.
func readConfig(path string, stdin io.Reader) (*fileConfig, error) {
	var text []byte
	var err error
	if path == "-" {
		path = "stdin"
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	return parseConfig(path, text)
}

func parseConfig(path string, text []byte) (*fileConfig, error) {
	c := &fileConfig{lines: map[string]int{}, env: map[string]string{}, path: path}
	c.recorder.level = instrument.LevelValues
	c.manager.Domains = map[string]ldapmgr.DomainConfig{}
	var document, second yaml.Node
	documents := yaml.NewDecoder(bytes.NewReader(text))
	switch err := documents.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: the file is empty; ldapscope config example prints one to start from", path)
	case err != nil:
		return nil, unreadable(path, text, err)
	}
	w := &walker{file: path, lines: c.lines, env: c.env}
	if err := documents.Decode(&second); err == nil {
		w.problems = append(w.problems, fmt.Errorf("%s:%d: a second document begins here; a configuration is one", path, second.Line))
	}
	w.section(document.Content[0], nil, c.keys())
	c.manager.Defaults.GSSAPI = kerberos.New
	m := c.manager
	m.Scope = instrument.New() // forgotten again: this manager is made for what it says about the configuration
	if _, err := ldapmgr.New(m); err != nil {
		w.problems = append(w.problems, c.located(err))
	}
	if len(w.problems) == 0 {
		w.problems = c.empty()
	}
	return c, errors.Join(w.problems...)
}

// badIndent is how the parser says that it stumbled over a tab, among other things.
var badIndent = regexp.MustCompile(`^yaml: line (\d+): found (?:a tab character|character that cannot start any token)`)

// unreadable says why a text is no YAML: of a tab in plain words, since an editor shows it like the blanks that belong there.
func unreadable(path string, text []byte, err error) error {
	if found := badIndent.FindStringSubmatch(err.Error()); found != nil {
		lines := strings.Split(string(text), "\n")
		at, _ := strconv.Atoi(found[1])       // digits
		for _, n := range []int{at, at + 1} { // the parser counts to where it was, which may be the line before
			if n < 1 || n > len(lines) {
				continue
			}
			line := lines[n-1]
			if indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; strings.Contains(indent, "\t") {
				return fmt.Errorf("%s:%d: YAML does not allow tabs for indentation: write blanks", path, n)
			}
		}
	}
	return fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
}

func (c *fileConfig) keys() section {
	return section{
		"default":        text(&c.manager.Default),
		"serve_unlisted": boolean(&c.manager.ServeUnlisted),
		"preload":        texts(&c.manager.Preload),
		"silence":        texts(&c.manager.Silence),
		"defaults": func(w *walker, n *yaml.Node, at []string) {
			if w.show == nil {
				w.section(n, at, domainKeys(&c.manager.Defaults))
			}
		},
		"domains": func(w *walker, n *yaml.Node, at []string) {
			if w.show != nil {
				return // each domain is shown with what it inherits
			}
			w.each(n, at, func(name string, value *yaml.Node, at []string) {
				var d ldapmgr.DomainConfig
				w.section(value, at, domainKeys(&d))
				c.manager.Domains[name] = d
				if c.first == "" {
					c.first = name
				}
			})
		},
		"panel": nested(section{
			"listen": text(&c.panel.listen), "token_file": text(&c.panel.tokenFile), "hosts": texts(&c.panel.hosts), "prefix": text(&c.panel.prefix),
		}),
		"recorder":       nested(section{"level": level(&c.recorder.level), "operations": integer(&c.recorder.operations), "bytes": integer(&c.recorder.bytes)}),
		"database":       text(&c.database),
		"users_database": text(&c.usersDatabase),
		"log":            logLevel(&c.logLevel),
	}
}

// domainKeys are the keys below a domain and below defaults.
func domainKeys(d *ldapmgr.DomainConfig) section {
	return section{
		"preset": text(&d.Preset), "aliases": texts(&d.Aliases), "servers": texts(&d.Servers), "srv": text(&d.SRV), "base": text(&d.Base),
		"bind": nested(bindKeys(&d.Bind)),
		"writer": func(w *walker, n *yaml.Node, at []string) {
			if w.show == nil {
				d.Writer = &ldapmgr.Bind{}
			}
			if d.Writer != nil {
				w.section(n, at, bindKeys(d.Writer))
			}
		},
		"starttls": pointer(&d.StartTLS), "read_only": pointer(&d.ReadOnly), "save_usage": pointer(&d.SaveUsage),
		"log": leastLevel(&d.LogLevel), "silence": texts(&d.Silence), "replace": texts(&d.Replace),
		"referrals": texts(&d.Referrals), "classes": texts(&d.Classes),
		"tls": nested(section{
			"ca_file": text(&d.TLS.CAFile), "server_name": text(&d.TLS.ServerName), "min_version": text(&d.TLS.MinVersion),
			"client_cert": text(&d.TLS.ClientCert), "client_key": text(&d.TLS.ClientKey), "pins": texts(&d.TLS.Pins),
			"password":   secret(&d.TLS.Password),
			"legacy_rsa": pointer(&d.TLS.LegacyRSA), "insecure_skip_verify": pointer(&d.TLS.InsecureSkipVerify),
		}),
		"timeouts": nested(section{
			"dns": duration(&d.Timeouts.DNS), "connect": duration(&d.Timeouts.Connect), "tls": duration(&d.Timeouts.TLS), "bind": duration(&d.Timeouts.Bind),
			"write": duration(&d.Timeouts.Write), "idle": duration(&d.Timeouts.Idle), "operation": duration(&d.Timeouts.Operation), "call": duration(&d.Timeouts.Call),
		}),
		"pool": nested(section{
			"max_open": integer(&d.Pool.MaxOpen), "max_idle": integer(&d.Pool.MaxIdle), "min_idle": integer(&d.Pool.MinIdle),
			"max_lifetime": duration(&d.Pool.MaxLifetime), "max_idle_time": duration(&d.Pool.MaxIdleTime), "max_uses": integer(&d.Pool.MaxUses),
			"probe_after": duration(&d.Pool.ProbeAfter), "wait_timeout": duration(&d.Pool.WaitTimeout), "leak_after": duration(&d.Pool.LeakAfter),
		}),
		"login": nested(loginKeys(&d.Login)), "users": nested(usersKeys(&d.Users)), "groups": nested(groupsKeys(&d.Groups)),
		"sync": nested(syncKeys(&d.Sync)),
		"extra": func(w *walker, n *yaml.Node, at []string) {
			if w.show != nil {
				showExtra(w, d.Extra, at)
			} else if err := n.Decode(&d.Extra); err != nil {
				w.fail(n, at, "must be a list of names with values")
			}
		},
	}
}

func bindKeys(b *ldapmgr.Bind) section {
	return section{
		"method": text(&b.Method), "name": text(&b.Name), "password": secret(&b.Password), "keytab": text(&b.Keytab), "ccache": text(&b.CCache),
		"realm": text(&b.Realm), "krb5_conf": text(&b.Krb5Conf), "service": text(&b.Service),
	}
}

func secret(target *ldapmgr.Secret) reader {
	return func(w *walker, n *yaml.Node, at []string) {
		switch {
		case w.showsSet(at, !target.IsZero(), "[hidden] from "+target.Source()):
		case n.Kind == yaml.ScalarNode:
			w.fail(n, at, "must say where the password comes from: password: {env: NAME}, {file: PATH}, {exec: [PROGRAM]} or {value: TEXT}")
		default:
			w.section(n, at, section{
				"value": text(&target.Value), "env": text(&target.Env), "file": text(&target.File), "exec": texts(&target.Exec),
			})
		}
	}
}

// located adds file and line to what the manager finds wrong, so that all problems look alike.
func (c *fileConfig) located(err error) error {
	var all []error
	for _, p := range ldapmgr.Problems(err) {
		line := 0
		for n := len(p.Path); n > 0 && line == 0; n-- {
			line = c.lines[strings.Join(p.Path[:n], ".")]
		}
		if line > 0 {
			all = append(all, fmt.Errorf("%s:%d: %w", c.path, line, p))
		} else {
			all = append(all, fmt.Errorf("%s: %w", c.path, p))
		}
	}
	if all == nil {
		return err
	}
	return errors.Join(all...)
}
