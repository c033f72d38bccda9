// SPDX-License-Identifier: MIT

package ldif

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

const maxLine = 16 << 20 // bytes of one line before folding is undone

// Record is one entry to be added.
type Record struct {
	Line       int // where it starts, from 1
	DN         string
	Attributes []Attribute // in order of appearance, each name once
}

// Attribute is a name with its values.
type Attribute struct {
	Name   string
	Values [][]byte
}

// Read calls entry for each record and stops at its first error. Folded lines, base64 values, comments, the version line
// and "changetype: add" are understood.
func Read(r io.Reader, entry func(Record) error) error {
	p := reader{entry: entry}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for lines.Scan() {
		p.number++
		text := strings.TrimSuffix(lines.Text(), "\r")
		if p.number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if err := p.line(text); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("ldif line %d: %w", p.number+1, err)
	}
	return p.line("")
}

type reader struct {
	entry   func(Record) error
	number  int             // of the line at hand
	start   int             // of the line that is being unfolded
	logical strings.Builder // the line so far, without its folds
	record  Record
}

func (p *reader) line(text string) error {
	if strings.HasPrefix(text, " ") {
		if p.start == 0 {
			return fmt.Errorf("ldif line %d: continues a line that is not there", p.number)
		}
		p.logical.WriteString(text[1:])
		return nil
	}
	if p.start > 0 {
		if err := p.take(p.start, p.logical.String()); err != nil {
			return err
		}
		p.logical.Reset()
		p.start = 0
	}
	if text != "" {
		p.start = p.number
		p.logical.WriteString(text)
		return nil
	}
	if p.record.Line == 0 {
		return nil
	}
	done := p.record
	p.record = Record{}
	return p.entry(done)
}

// take reads one line whose folding is undone.
func (p *reader) take(line int, text string) error {
	if text[0] == '#' {
		return nil
	}
	name, value, err := split(line, text)
	if err != nil {
		return err
	}
	first := p.record.Line == 0
	switch {
	case first && strings.EqualFold(name, "version"):
	case first && !strings.EqualFold(name, "dn"):
		return fmt.Errorf("ldif line %d: a record starts with dn", line)
	case first:
		p.record.Line, p.record.DN = line, string(value)
	case strings.EqualFold(name, "changetype") && len(p.record.Attributes) == 0:
		if string(value) != "add" {
			return fmt.Errorf("ldif line %d: only records that add entries are read", line)
		}
	default:
		p.record.add(name, value)
	}
	return nil
}

func split(line int, text string) (name string, value []byte, err error) {
	name, rest, found := strings.Cut(text, ":")
	switch {
	case !found || name == "":
		return "", nil, fmt.Errorf("ldif line %d: a line reads name: value", line)
	case strings.HasPrefix(rest, ":"):
		if value, err = base64.StdEncoding.DecodeString(strings.TrimSpace(rest[1:])); err != nil {
			return "", nil, fmt.Errorf("ldif line %d: the value of %s is no base64", line, name)
		}
		return name, value, nil
	case strings.HasPrefix(rest, "<"):
		return "", nil, fmt.Errorf("ldif line %d: values by URL are not read", line)
	}
	return name, []byte(strings.TrimLeft(rest, " ")), nil
}

func (r *Record) add(name string, value []byte) {
	for i := range r.Attributes {
		if strings.EqualFold(r.Attributes[i].Name, name) {
			r.Attributes[i].Values = append(r.Attributes[i].Values, value)
			return
		}
	}
	r.Attributes = append(r.Attributes, Attribute{name, [][]byte{value}})
}
