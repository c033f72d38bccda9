// SPDX-License-Identifier: MIT

package wire_test

import (
	"bytes"
	"fmt"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// A directory's answer is read off the wire without a copy.
func ExampleFramer() {
	var server wire.Encoder
	server.Message(2, func(e *wire.Encoder) {
		e.Entry("cn=Ada,dc=example,dc=org", func(add func(string, [][]byte)) {
			add("mail", [][]byte{[]byte("ada@example.org")})
		})
	}, nil)

	raw, err := wire.NewFramer(bytes.NewReader(server.Bytes), wire.DefaultLimits).Next()
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := wire.ParseMessage(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	entry, err := wire.ParseEntry(m.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("message %d: %s\n", m.ID, entry.DN)
	_ = entry.Attributes(func(a wire.Attribute) bool {
		return a.Values(func(value []byte) bool {
			fmt.Printf("%s: %s\n", a.Name, value)
			return true
		}) == nil
	})
	// Output:
	// message 2: cn=Ada,dc=example,dc=org
	// mail: ada@example.org
}

// Only what show appends is to be seen of a filter's values.
func ExampleFilter_AppendText() {
	f, err := wire.ParseFilterText(`(&(objectClass=person)(cn=Ada*))`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", f.AppendText(nil, func(dst, _, _ []byte) []byte { return append(dst, '?') }))
	// Output: (&(objectClass=?)(cn=?*))
}
