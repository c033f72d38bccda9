// SPDX-License-Identifier: MIT

package ldaptest

import (
	"crypto/sha1" //nolint:gosec // for identifiers that are the same in every run, not for secrecy
	"encoding/hex"
	"fmt"
	"strconv"
)

// setNew sets an attribute by name unless the entry has it already, as entries from LDIF may.
func (d *Directory) setNew(e *entry, name string, values ...string) {
	typ := d.schema.attribute(name)
	if typ != nil && e.find(typ, "") == nil {
		e.put(d.schema.newAttr(typ, values...))
	}
}

func (d *Directory) set(e *entry, name string, values ...string) {
	if typ := d.schema.attribute(name); typ != nil {
		e.put(d.schema.newAttr(typ, values...))
	}
}

// stampNew gives a new entry what servers add by themselves.
func (d *Directory) stampNew(e *entry, by string) {
	if d.cfg.Profile == ActiveDirectory {
		d.stampNewAD(e)
		return
	}
	now := d.cfg.Now().UTC().Format(timeFormat) + "Z"
	if c := e.structural(); c != nil {
		d.setNew(e, "structuralObjectClass", c.name)
	}
	raw := identifier(e.key, d.tree.usn)
	id := hex.EncodeToString(raw[:])
	d.setNew(e, "entryUUID", fmt.Sprintf("%s-%s-%s-%s-%s", id[:8], id[8:12], id[12:16], id[16:20], id[20:]))
	d.setNew(e, "creatorsName", by)
	d.setNew(e, "createTimestamp", now)
	d.setNew(e, "entryCSN", d.csn())
	d.setNew(e, "modifiersName", by)
	d.setNew(e, "modifyTimestamp", now)
}

// stampChanged notes who changed an entry and when.
func (d *Directory) stampChanged(e *entry, by string) {
	now := d.cfg.Now().UTC().Format(timeFormat)
	if d.cfg.Profile == ActiveDirectory {
		d.set(e, "whenChanged", now+".0Z")
		d.set(e, "uSNChanged", strconv.FormatUint(d.tree.usn, 10))
		return
	}
	d.set(e, "entryCSN", d.csn())
	d.set(e, "modifiersName", by)
	d.set(e, "modifyTimestamp", now+"Z")
}

// csn is a change number in slapd's form: time, count, server, modification.
func (d *Directory) csn() string {
	return fmt.Sprintf("%s.%06dZ#%06x#000#000000", d.cfg.Now().UTC().Format(timeFormat), 0, d.tree.usn)
}

// identifier derives 16 bytes from a name and a count, so that the same data has the same identifiers in every run.
func identifier(key string, count uint64) (id [16]byte) {
	sum := sha1.Sum([]byte(key + "\x00" + strconv.FormatUint(count, 10))) //nolint:gosec // see the import
	copy(id[:], sum[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
