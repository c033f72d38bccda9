// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// attributeName is the description of an attribute (RFC 4512 section 2.5): a name or an OID, perhaps with options.
var attributeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)(;[A-Za-z0-9-]+)*$`)

// checkAttribute checks what is written into filters, where it cannot be escaped.
func checkAttribute(p problems, name string) {
	if name != "" && !attributeName.MatchString(name) {
		p.add(fmt.Sprintf("%q is no name of an attribute", name), "names are letters, digits and hyphens, such as uid")
	}
}

// checkAttributes checks a list of attributes to load, in which * + and @class stand for several.
func checkAttributes(p problems, names []string, several bool) {
	for i, name := range names {
		if several && (name == "*" || name == "+" || len(name) > 1 && name[0] == '@') {
			continue
		}
		if at := p.at(strconv.Itoa(i)); name == "" {
			at.add("is empty", "")
		} else {
			checkAttribute(at, name)
		}
	}
}

func checkFieldAttributes(p problems, f Field) {
	if f.Template == "" {
		checkAttribute(p.at("attribute"), f.Attribute)
		return
	}
	if i := slices.IndexFunc(f.attributes(), func(name string) bool { return !attributeName.MatchString(name) }); i >= 0 {
		p.at("template").add(fmt.Sprintf("%q is no name of an attribute", f.attributes()[i]), "write names in braces: {givenName} {sn}")
	}
}
