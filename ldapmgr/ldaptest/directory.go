// SPDX-License-Identifier: MIT

package ldaptest

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// Directory is a directory in memory with the protocol around it. Create it with New, run it with Serve. All methods may
// be called from any goroutine.
type Directory struct {
	cfg      Config
	schema   *schema
	known    knownTypes
	computed []*attributeType // not stored but made up when asked for
	suffix   dn
	rootDN   dn
	writers  map[string]bool // by key; empty: everybody who is bound
	sid      string          // of the domain, ActiveDirectory only
	tree     *tree

	fault       atomic.Pointer[Fault]
	connections atomic.Int64
	connected   atomic.Int64
	requests    [256]atomic.Int64 // by the tag of the request
	panics      atomic.Int64
}

// knownTypes are the attributes and classes that the code itself asks for; those of the other profile are nil.
type knownTypes struct {
	objectClass, userPassword, unicodePwd, member, memberOf *attributeType
	ref, entryDN, hasSubordinates, subschema                *attributeType
	account, principal, control, objectSID, name            *attributeType
	tokenGroups, canonicalName                              *attributeType
	accountComputed, principalName, created, modified       *attributeType
	referral, extensible                                    *objectClass
}

// New returns a directory that holds the entries of cfg.LDIF. It reads cfg.LDIF and does nothing else outside memory.
// Errors name every setting that is wrong, or the line of the LDIF or the schema.
func New(cfg Config) (*Directory, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, fmt.Errorf("in-memory directory: %w", err)
	}
	d := &Directory{cfg: cfg, tree: newTree(), writers: map[string]bool{}}
	if d.schema, err = newSchema(cfg.Profile, cfg.Schema); err != nil {
		return nil, fmt.Errorf("in-memory directory: %w", err)
	}
	d.know()
	d.computed = d.constructed()
	if err := d.readNames(); err != nil {
		return nil, fmt.Errorf("in-memory directory: %w", err)
	}
	d.sid = domainSID(d.suffix)
	d.SetFault(cfg.Fault)
	if cfg.LDIF != nil {
		if err := d.load(cfg.LDIF); err != nil {
			return nil, fmt.Errorf("in-memory directory: %w", err)
		}
	}
	return d, nil
}

// readNames parses the names of the configuration and returns all that are none.
func (d *Directory) readNames() error {
	var problems []error
	read := func(what, text string) dn {
		name, err := d.schema.parseDN(text)
		if err != nil || name.empty() {
			problems = append(problems, fmt.Errorf("%s %q is not a distinguished name of known attributes", what, text))
		}
		return name
	}
	d.suffix = read("suffix", d.cfg.Suffix)
	d.rootDN = read("root", d.cfg.RootDN)
	for _, text := range d.cfg.Writers {
		d.writers[read("writer", text).key()] = true
	}
	d.schema.suffix = d.Suffix()
	return errors.Join(problems...)
}

func (d *Directory) know() {
	typed := d.schema.attribute
	d.known = knownTypes{
		objectClass: typed("objectclass"), userPassword: typed("userpassword"), unicodePwd: typed("unicodepwd"),
		member: typed("member"), memberOf: typed("memberof"), ref: typed("ref"), entryDN: typed("entrydn"),
		hasSubordinates: typed("hassubordinates"), subschema: typed("subschemasubentry"),
		account: typed("samaccountname"), principal: typed("userprincipalname"), control: typed("useraccountcontrol"),
		objectSID: typed("objectsid"), name: typed("name"),
		tokenGroups: typed("tokengroups"), canonicalName: typed("canonicalname"),
		accountComputed: typed("msds-user-account-control-computed"), principalName: typed("msds-principalname"),
		created: typed("createtimestamp"), modified: typed("modifytimestamp"),
		referral: d.schema.class("referral"), extensible: d.schema.class("extensibleobject"),
	}
}

// SetFault changes what goes wrong from the next request on; nil ends it.
func (d *Directory) SetFault(f Fault) {
	if f == nil {
		d.fault.Store(nil)
		return
	}
	d.fault.Store(&f)
}

// Suffix returns the naming context as the directory shows it.
func (d *Directory) Suffix() string { return d.schema.format(d.suffix) }

// Entries returns how many entries the directory holds.
func (d *Directory) Entries() int {
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	return len(d.tree.byKey)
}

// Values returns the values of an attribute of an entry as they are now, passwords excepted; nil when there are none. It
// is for tests that look behind the protocol.
func (d *Directory) Values(name, attribute string) []string {
	parsed, err := d.schema.parseDN(name)
	typ, option := d.schema.split(attribute)
	if err != nil || typ == nil || typ.secret {
		return nil
	}
	d.tree.mu.RLock()
	defer d.tree.mu.RUnlock()
	n := d.tree.byKey[parsed.key()]
	if n == nil {
		return nil
	}
	a := n.entry.find(typ, option)
	if a == nil {
		return nil
	}
	values := make([]string, len(a.values))
	for i, v := range a.values {
		values[i] = string(v)
	}
	return values
}

// Requests returns how many requests of a kind have arrived since New: the server's own truth in tests.
func (d *Directory) Requests(op wire.Op) int64 { return d.requests[op].Load() }

// Connections returns how many connections were accepted since New, and how many are open now.
func (d *Directory) Connections() (accepted, open int64) {
	return d.connections.Load(), d.connected.Load()
}
