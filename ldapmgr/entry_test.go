// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

func entry(name string, value string) ldapmgr.Entry {
	return ldapmgr.Entry{Entry: &ldap.Entry{DN: "cn=x", Attributes: []*ldap.EntryAttribute{
		{Name: name, Values: []string{value, "second"}, ByteValues: [][]byte{[]byte(value), []byte("second")}},
	}}}
}

func TestEntryTime(t *testing.T) {
	t.Parallel()
	at := func(y, m, d, h, i, s, ns int) time.Time {
		return time.Date(y, time.Month(m), d, h, i, s, ns, time.UTC)
	}
	tests := []struct {
		value string
		want  time.Time
		ok    bool
	}{
		{"20261121140211Z", at(2026, 11, 21, 14, 2, 11, 0), true},
		{"20261121140211.5Z", at(2026, 11, 21, 14, 2, 11, 500_000_000), true},
		{"20261121140211.0Z", at(2026, 11, 21, 14, 2, 11, 0), true},
		{"20261121140211,25Z", at(2026, 11, 21, 14, 2, 11, 250_000_000), true},
		{"202611211402Z", at(2026, 11, 21, 14, 2, 0, 0), true},
		{"2026112114.5Z", at(2026, 11, 21, 14, 30, 0, 0), true},
		{"20261121140211+0130", at(2026, 11, 21, 12, 32, 11, 0), true},
		{"20261121140211-05", at(2026, 11, 21, 19, 2, 11, 0), true},
		{"133500000000000000", at(2024, 1, 17, 21, 20, 0, 0), true},
		{"0", time.Time{}, true},
		{"9223372036854775807", time.Time{}, true},
		{"-133500000000000000", time.Time{}, false},
		{"20261321140211Z", time.Time{}, false},
		{"20261121140211", time.Time{}, false},
		{"20261121140211+9900", at(2026, 11, 17, 11, 2, 11, 0), false},
		{"20261121140211.xZ", time.Time{}, false},
		{"now", time.Time{}, false},
		{"", time.Time{}, false},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			t.Parallel()
			got, ok := entry("whenCreated", test.value).Time("WHENcreated")
			if ok != test.ok || ok && !got.Equal(test.want) {
				t.Errorf("got %v, %v; want %v, %v", got, ok, test.want, test.ok)
			}
		})
	}
}

func TestEntryIdentifiers(t *testing.T) {
	t.Parallel()
	guid := "\xe6\xe6\xc2\x0c\x55\x7c\x0a\x4b\x8a\x4a\x6a\x3b\x6f\x3c\x2d\x1e"
	sid := "\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\xf4\x01\x00\x00"
	tests := []struct {
		name  string
		read  func(ldapmgr.Entry) (string, bool)
		value string
		want  string
	}{
		{"objectGUID", func(e ldapmgr.Entry) (string, bool) { return e.GUID("objectguid") }, guid, "0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e"},
		{"entryUUID", func(e ldapmgr.Entry) (string, bool) { return e.GUID("entryUUID") }, "0CC2E6E6-7C55-4B0A-8A4A-6A3B6F3C2D1E", "0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e"},
		{"short GUID", func(e ldapmgr.Entry) (string, bool) { return e.GUID("short GUID") }, guid[:15], ""},
		{"no UUID", func(e ldapmgr.Entry) (string, bool) { return e.GUID("no UUID") }, "0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2dxx", ""},
		{"objectSid", func(e ldapmgr.Entry) (string, bool) { return e.SID("objectSID") }, sid, "S-1-5-21-1-2-3-500"},
		{"short SID", func(e ldapmgr.Entry) (string, bool) { return e.SID("short SID") }, sid[:20], ""},
		{"missing", func(e ldapmgr.Entry) (string, bool) { return e.SID("nothing") }, sid, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, ok := test.read(entry(test.name, test.value))
			if ok != (test.want != "") || ok && got != test.want {
				t.Errorf("got %q, %v; want %q", got, ok, test.want)
			}
		})
	}
}

func TestEntryValues(t *testing.T) {
	t.Parallel()
	e := entry("uidNumber", "1000")
	if n, ok := e.Int("UIDNUMBER"); n != 1000 || !ok {
		t.Errorf("Int gives %d, %v", n, ok)
	}
	if got := e.Strings("uidnumber"); len(got) != 2 {
		t.Errorf("Strings gives %v", got)
	}
	if v, ok := entry("active", "TRUE").Bool("active"); !v || !ok {
		t.Errorf("Bool gives %v, %v", v, ok)
	}
	if _, ok := entry("active", "yes").Bool("active"); ok {
		t.Error("Bool takes yes for a boolean")
	}
	var none ldapmgr.Entry
	if none.String("x") != "" || none.Strings("x") != nil || none.Bytes("x") != nil || none.Has("x") {
		t.Error("an entry without anything gives something")
	}
}
