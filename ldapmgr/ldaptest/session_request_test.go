// SPDX-License-Identifier: MIT

package ldaptest_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// suffix is appended to names in commands that end in a comma, so that tables stay readable.
const suffix = "dc=example,dc=org"

func fullName(name string) string {
	if name == "@" {
		return suffix
	}
	if strings.HasSuffix(name, ",") && !strings.HasSuffix(name, `\,`) {
		return name + suffix
	}
	return name
}

// requests are the commands that send one request: what they append, given their words.
var requests = map[string]func(t *testing.T, e *wire.Encoder, args []string){
	"bind":    encodeBind,
	"search":  encodeSearch,
	"compare": encodeCompare,
	"add":     encodeAdd,
	"modify":  encodeModify,
	"rename":  encodeRename,
	"delete":  func(_ *testing.T, e *wire.Encoder, args []string) { e.Text(byte(wire.DelRequest), fullName(args[0])) },
	"whoami":  func(_ *testing.T, e *wire.Encoder, _ []string) { e.Extended(wire.OIDWhoAmI, nil) },
	"passwd":  encodePasswd,
	"extended": func(_ *testing.T, e *wire.Encoder, args []string) {
		var value []byte
		if len(args) > 1 {
			value = []byte(args[1])
		}
		e.Extended(args[0], value)
	},
}

var identities = map[string][2]string{
	"root":   {rootDN, rootPassword},
	"writer": {writerDN, writerPassword},
	"ada":    {"cn=Ada Lovelace,ou=people," + suffix, "lovelace"},
}

// encodeBind: bind IDENTITY | bind NAME PASSWORD [version=N] [sasl=MECHANISM [authz=NAME]]
func encodeBind(_ *testing.T, e *wire.Encoder, args []string) {
	version, mechanism, name, password := int64(3), "", "", ""
	var authz *string
	var plain []string
	for _, a := range args {
		if n, ok := strings.CutPrefix(a, "version="); ok {
			version, _ = strconv.ParseInt(n, 10, 64)
		} else if m, ok := strings.CutPrefix(a, "sasl="); ok {
			mechanism = m
		} else if id, ok := strings.CutPrefix(a, "authz="); ok {
			id = fullName(id)
			authz = &id
		} else {
			plain = append(plain, a)
		}
	}
	switch known, ok := identities[plain[0]]; {
	case ok:
		name, password = known[0], known[1]
	case len(plain) > 1:
		name, password = fullName(plain[0]), plain[1]
	}
	mark := e.Begin(byte(wire.BindRequest))
	e.Integer(0x02, version)
	e.OctetString(name)
	if mechanism != "" {
		sasl := e.Begin(byte(wire.BindSASL))
		e.OctetString(mechanism)
		if authz != nil {
			e.OctetString(*authz)
		}
		e.End(sasl)
	} else {
		e.Text(byte(wire.BindSimple), password)
	}
	e.End(mark)
}

// encodeSearch: search BASE SCOPE FILTER [size=N] [time=N] [deref=N] [types] [ATTRIBUTE...]
func encodeSearch(t *testing.T, e *wire.Encoder, args []string) {
	t.Helper()
	scope, known := map[string]int64{"base": 0, "one": 1, "sub": 2, "children": 3}[args[1]]
	if !known {
		scope, _ = strconv.ParseInt(args[1], 10, 64)
	}
	f, err := wire.ParseFilterText(args[2])
	if err != nil {
		t.Fatalf("filter %s: %v", args[2], err)
	}
	numbers := map[string]int64{}
	types := false
	var names []string
	for _, a := range args[3:] {
		if key, value, ok := strings.Cut(a, "="); ok && !strings.Contains(key, ";") {
			numbers[key], _ = strconv.ParseInt(value, 10, 64)
		} else if a == "types" {
			types = true
		} else {
			names = append(names, a)
		}
	}
	mark := e.Begin(byte(wire.SearchRequest))
	e.OctetString(fullName(args[0]))
	e.Integer(0x0a, scope)
	e.Integer(0x0a, numbers["deref"])
	e.Integer(0x02, numbers["size"])
	e.Integer(0x02, numbers["time"])
	e.Bool(0x01, types)
	e.Bytes = wire.AppendFilter(e.Bytes, f)
	list := e.Begin(0x30)
	for _, n := range names {
		e.OctetString(n)
	}
	e.End(list)
	e.End(mark)
}

// encodeCompare: compare NAME ATTRIBUTE VALUE
func encodeCompare(_ *testing.T, e *wire.Encoder, args []string) {
	mark := e.Begin(byte(wire.CompareRequest))
	e.OctetString(fullName(args[0]))
	assertion := e.Begin(0x30)
	e.OctetString(args[1])
	e.OctetString(args[2])
	e.End(assertion)
	e.End(mark)
}

type requestAttribute struct {
	name   string
	values []string
}

// gather puts the values of one attribute together; a word without = is an attribute without values.
func gather(words []string) []requestAttribute {
	var list []requestAttribute
	for _, w := range words {
		name, value, has := strings.Cut(w, "=")
		if n := len(list); n == 0 || list[n-1].name != name || !has {
			list = append(list, requestAttribute{name: name})
		}
		if has {
			last := &list[len(list)-1]
			last.values = append(last.values, value)
		}
	}
	return list
}

func (a requestAttribute) encode(e *wire.Encoder) {
	mark := e.Begin(0x30)
	e.OctetString(a.name)
	set := e.Begin(0x31)
	for _, v := range a.values {
		e.OctetString(v)
	}
	e.End(set)
	e.End(mark)
}

// encodeAdd: add NAME ATTRIBUTE=VALUE...
func encodeAdd(_ *testing.T, e *wire.Encoder, args []string) {
	mark := e.Begin(byte(wire.AddRequest))
	e.OctetString(fullName(args[0]))
	list := e.Begin(0x30)
	for _, a := range gather(args[1:]) {
		a.encode(e)
	}
	e.End(list)
	e.End(mark)
}

// encodeModify: modify NAME KIND:ATTRIBUTE[=VALUE]...
func encodeModify(t *testing.T, e *wire.Encoder, args []string) {
	t.Helper()
	mark := e.Begin(byte(wire.ModifyRequest))
	e.OctetString(fullName(args[0]))
	list := e.Begin(0x30)
	for _, a := range gather(args[1:]) {
		kind, name, _ := strings.Cut(a.name, ":")
		number, known := map[string]int64{"add": 0, "delete": 1, "replace": 2, "increment": 3}[kind]
		if !known {
			t.Fatalf("no kind of change %q", kind)
		}
		change := e.Begin(0x30)
		e.Integer(0x0a, number)
		requestAttribute{name, a.values}.encode(e)
		e.End(change)
	}
	e.End(list)
	e.End(mark)
}

// encodeRename: rename NAME NEWRDN keep|drop [SUPERIOR]
func encodeRename(_ *testing.T, e *wire.Encoder, args []string) {
	mark := e.Begin(byte(wire.ModifyDNRequest))
	e.OctetString(fullName(args[0]))
	e.OctetString(args[1])
	e.Bool(0x01, args[2] == "drop")
	if len(args) > 3 {
		e.Text(0x80, fullName(args[3]))
	}
	e.End(mark)
}

// encodePasswd: passwd [user=NAME] [old=PASSWORD] [new=PASSWORD]
func encodePasswd(_ *testing.T, e *wire.Encoder, args []string) {
	var v wire.Encoder
	mark := v.Begin(0x30)
	for _, key := range []string{"user=", "old=", "new="} {
		for _, a := range args {
			if value, ok := strings.CutPrefix(a, key); ok {
				v.Text(map[string]byte{"user=": 0x80, "old=": 0x81, "new=": 0x82}[key], fullName(value))
			}
		}
	}
	v.End(mark)
	e.Extended(wire.OIDPasswd, v.Bytes)
}

// takeControls cuts the words ctl=[!]NAME[:VALUE] off.
func (s *session) takeControls(args []string) (rest []string, controls []wire.Control) {
	s.t.Helper()
	for _, a := range args {
		text, ok := strings.CutPrefix(a, "ctl=")
		if !ok {
			rest = append(rest, a)
			continue
		}
		var c wire.Control
		text, c.Critical = strings.CutPrefix(text, "!")
		name, value, _ := strings.Cut(text, ":")
		c.OID, c.Value = s.control(name, value)
		controls = append(controls, c)
	}
	return rest, controls
}

func (s *session) control(name, value string) (oid string, encoded []byte) {
	s.t.Helper()
	switch name {
	case "paging": // paging:SIZE starts, more:SIZE goes on
		n, _ := strconv.ParseInt(value, 10, 64)
		return wire.OIDPaging, wire.Paging(n, nil)
	case "more":
		n, _ := strconv.ParseInt(value, 10, 64)
		return wire.OIDPaging, wire.Paging(n, s.cookie)
	case "cookie": // paging:5 with a cookie that the server never gave
		return wire.OIDPaging, wire.Paging(5, []byte(value))
	case "sort": // sort:[-]ATTRIBUTE[/RULE],...
		return wire.OIDSortRequest, encodeSort(value)
	case "assert":
		f, err := wire.ParseFilterText(value)
		if err != nil {
			s.t.Fatal(err)
		}
		return "1.3.6.1.1.12", wire.AppendFilter(nil, f)
	case "preread", "postread":
		var e wire.Encoder
		mark := e.Begin(0x30)
		for _, n := range strings.Split(value, ",") {
			e.OctetString(n)
		}
		e.End(mark)
		return map[string]string{"preread": "1.3.6.1.1.13.1", "postread": "1.3.6.1.1.13.2"}[name], e.Bytes
	case "manage":
		return "2.16.840.1.113730.3.4.2", nil
	}
	if value != "" {
		encoded = []byte(value)
	}
	return name, encoded
}

func encodeSort(keys string) []byte {
	var e wire.Encoder
	mark := e.Begin(0x30)
	for _, key := range strings.Split(keys, ",") {
		key, reverse := strings.CutPrefix(key, "-")
		name, rule, hasRule := strings.Cut(key, "/")
		one := e.Begin(0x30)
		e.OctetString(name)
		if hasRule {
			e.Text(0x80, rule)
		}
		if reverse {
			e.Bool(0x81, true)
		}
		e.End(one)
	}
	e.End(mark)
	return e.Bytes
}
