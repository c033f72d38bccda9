// SPDX-License-Identifier: MIT

package ldaptest

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/ldif"
)

// load adds the records of an LDIF text. Errors name the line and no value.
func (d *Directory) load(r io.Reader) error {
	d.tree.mu.Lock()
	defer d.tree.mu.Unlock()
	err := ldif.Read(r, func(record ldif.Record) error {
		if err := d.loadEntry(record); err != nil {
			return fmt.Errorf("ldif line %d: entry %q: %w", record.Line, record.DN, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Members may come before or after their groups, so the names back are written when all is there.
	d.linkAll()
	return nil
}

func (d *Directory) loadEntry(record ldif.Record) error {
	raw := make([]rawAttr, len(record.Attributes))
	for i, a := range record.Attributes {
		raw[i] = rawAttr{a.Name, a.Values}
	}
	e, problem := d.newEntry(record.DN, raw, true)
	if problem != nil {
		return refused(problem)
	}
	if d.tree.byKey[e.key] != nil {
		return errors.New("it appears twice")
	}
	var parent *node
	if e.key != d.suffix.key() {
		if parent = d.tree.byKey[e.name.parent().key()]; parent == nil {
			return fmt.Errorf("the entry above it is missing (the suffix is %s)", d.Suffix())
		}
	}
	if problem := d.insert(e, parent, d.schema.format(d.rootDN)); problem != nil {
		return refused(problem)
	}
	return nil
}

// refused turns the answer that a client would have got into an error.
func refused(problem *wire.Reply) error {
	text := strings.TrimRight(problem.Diagnostic, "\x00\n")
	if text == "" {
		text = "not allowed"
	}
	return fmt.Errorf("%s (result %d)", text, problem.Code)
}
