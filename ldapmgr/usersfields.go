// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// FieldError says which required field of a user has no value.
type FieldError struct {
	Domain, Field, Attribute string
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("field %s of a user in %s is required, and the entry has no %s", e.Field, e.Domain, e.Attribute)
}

// attributes lists the attributes that a field is made of.
func (f Field) attributes() []string {
	if f.Template == "" {
		return []string{f.Attribute}
	}
	var all []string
	for rest := f.Template; ; {
		_, after, open := strings.Cut(rest, "{")
		name, behind, closed := strings.Cut(after, "}")
		if !open || !closed {
			return all
		}
		all, rest = append(all, name), behind
	}
}

// value returns what an entry gives for a field; ok is false when it gives nothing.
func (f Field) value(e Entry) (value string, ok bool) {
	if f.Template != "" {
		value, ok = f.fill(e)
	} else {
		value, ok = f.transform(e)
	}
	if !ok && f.Default != "" {
		return f.Default, true
	}
	return value, ok
}

// fill replaces the attributes in a template. It gives nothing when the entry has none of them.
func (f Field) fill(e Entry) (string, bool) {
	text, found := f.Template, false
	for _, name := range f.attributes() {
		value := e.String(name)
		found = found || value != ""
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return strings.TrimSpace(text), found
}

func (f Field) transform(e Entry) (string, bool) {
	values := e.Strings(f.Attribute)
	if len(values) == 0 {
		return "", false
	}
	switch f.Transform {
	case TransformJoin:
		return strings.Join(values, ", "), true
	case TransformList:
		text, err := json.Marshal(values)
		return string(text), err == nil
	case TransformLower:
		return strings.ToLower(values[0]), true
	case TransformUpper:
		return strings.ToUpper(values[0]), true
	case TransformInt:
		n, ok := e.Int(f.Attribute)
		return strconv.FormatInt(n, 10), ok
	case TransformBool:
		value, ok := e.Bool(f.Attribute)
		return strconv.FormatBool(value), ok
	case TransformTime:
		t, ok := e.Time(f.Attribute)
		return t.Format(time.RFC3339), ok && !t.IsZero()
	case TransformGUID:
		return e.GUID(f.Attribute)
	case TransformSID:
		return e.SID(f.Attribute)
	}
	return values[0], true
}

// Fields returns the local fields that Users.Fields makes of a user. nil stands for a field without a value, which is
// cleared; one without a value that is kept is left out. It is a *FieldError where a required field has none.
func (d *Domain) Fields(u *User) (values map[string]*string, err error) {
	values = map[string]*string{}
	for name, f := range d.cfg.Users.Fields {
		value, ok := f.value(u.Entry)
		switch {
		case ok:
			values[name] = &value
		case f.Required:
			return nil, &FieldError{Domain: d.name, Field: name, Attribute: strings.Join(f.attributes(), ", ")}
		case !f.Keep:
			values[name] = nil
		}
	}
	return values, nil
}
