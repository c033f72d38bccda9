// SPDX-License-Identifier: MIT

package ldaptest

// cut takes one BER element off b. Control values come inside messages that were checked as a whole but are opaque
// there, so their lengths are checked here.
func cut(b []byte) (tag byte, body, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, nil, false
	}
	head, length := 2, int(b[1])
	if length >= 0x80 {
		n := length & 0x7f
		if n == 0 || n > 4 || len(b) < 2+n {
			return 0, nil, nil, false
		}
		head, length = 2+n, 0
		for _, c := range b[2:head] {
			length = length<<8 | int(c)
		}
	}
	if length < 0 || len(b)-head < length {
		return 0, nil, nil, false
	}
	return b[0], b[head : head+length], b[head+length:], true
}

// readStrings reads a SEQUENCE OF OCTET STRING.
func readStrings(b []byte) ([]string, bool) {
	tag, body, rest, ok := cut(b)
	if !ok || tag != 0x30 || len(rest) > 0 {
		return nil, false
	}
	list := []string{}
	for len(body) > 0 {
		var value []byte
		if tag, value, body, ok = cut(body); !ok || tag != 0x04 {
			return nil, false
		}
		list = append(list, string(value))
	}
	return list, true
}
