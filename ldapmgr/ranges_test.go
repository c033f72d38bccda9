// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"errors"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

func TestOpenRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		attribute, name string
		next            int
		ok              bool
	}{
		{"member;range=0-1499", "member", 1500, true},
		{"member;range=1500-*", "member", -1, true},
		{"member", "member", 0, false},
		{"userCertificate;binary", "userCertificate;binary", 0, false},
		{"member;range=0", "member", 0, false},
		{"member;range=0-x", "member", 0, false},
		{"member;range=0-9223372036854775807", "member", 0, false},
		{"member;range=0--1", "member", 0, false},
	}
	for _, test := range tests {
		name, next, ok := openRange(test.attribute)
		if name != test.name || ok != test.ok || ok && next != test.next {
			t.Errorf("%s: got %q, %d, %v", test.attribute, name, next, ok)
		}
	}
}

// A range whose end cannot be read is an error, never taken for the whole.
func TestRangeWithoutEnd(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"member;range=0-9223372036854775807", "member;range=0-99999999999999999999", "member;range=0--5", "member;range=0-", "member;range=7"} {
		part := ldap.NewEntry("cn=big", map[string][]string{"cn": {"big"}, name: {"cn=a"}})
		if err := followRanges(t.Context(), nil, Entry{part}); !errors.Is(err, errRange) {
			t.Errorf("%s: got %v, want an error that says that the rest is missing", name, err)
		}
	}
}
