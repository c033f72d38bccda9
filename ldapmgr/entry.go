// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Entry reads the values of an entry by type. Names of attributes are matched without regard to case. A value that is
// missing gives the zero value; one that cannot be read as asked gives the zero value and false where the method says so.
type Entry struct{ *ldap.Entry }

func (e Entry) attribute(name string) *ldap.EntryAttribute {
	if e.Entry == nil {
		return nil
	}
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name, name) {
			return a
		}
	}
	return nil
}

// Has reports whether the attribute is there.
func (e Entry) Has(name string) bool { return e.attribute(name) != nil }

// String returns the first value.
func (e Entry) String(name string) string {
	if a := e.attribute(name); a != nil && len(a.Values) > 0 {
		return a.Values[0]
	}
	return ""
}

// Strings returns all values.
func (e Entry) Strings(name string) []string {
	if a := e.attribute(name); a != nil {
		return a.Values
	}
	return nil
}

// Bytes returns the first value as it came. The caller must not change it.
func (e Entry) Bytes(name string) []byte {
	if a := e.attribute(name); a != nil && len(a.ByteValues) > 0 {
		return a.ByteValues[0]
	}
	return nil
}

// Int returns the first value as a number.
func (e Entry) Int(name string) (int64, bool) {
	n, err := strconv.ParseInt(e.String(name), 10, 64)
	return n, err == nil
}

// Bool returns the first value as LDAP's TRUE or FALSE (RFC 4517 section 3.3.3).
func (e Entry) Bool(name string) (value, ok bool) {
	switch strings.ToUpper(e.String(name)) {
	case "TRUE":
		return true, true
	case "FALSE":
		return false, true
	}
	return false, false
}

// Time returns the first value as an instant in UTC: generalizedTime (RFC 4517 section 3.3.13) or Active Directory's
// count of 100 ns since 1601. Its "never", 0 and 2^63-1, gives the zero time and true.
func (e Entry) Time(name string) (time.Time, bool) {
	text := e.String(name)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && (n == 0 || len(text) > 14) {
		return fileTime(n)
	}
	return generalizedTime(text)
}

const (
	fileTimeUnits = 10_000_000     // per second
	fileTimeEpoch = 11_644_473_600 // seconds from 1601 to 1970
	fileTimeNever = 1<<63 - 1
)

func fileTime(n int64) (time.Time, bool) {
	if n == 0 || n == fileTimeNever {
		return time.Time{}, true
	}
	if n < 0 {
		return time.Time{}, false
	}
	return time.Unix(n/fileTimeUnits-fileTimeEpoch, n%fileTimeUnits*100).UTC(), true
}

// generalizedTime reads yyyymmddhh[mm[ss]][.f]Z or with an offset. A fraction belongs to the smallest unit given.
func generalizedTime(text string) (time.Time, bool) {
	zone := strings.IndexAny(text, "Z+-")
	if zone < 10 {
		return time.Time{}, false
	}
	digits, fraction, _ := strings.Cut(strings.ReplaceAll(text[:zone], ",", "."), ".")
	units := map[int]time.Duration{10: time.Hour, 12: time.Minute, 14: time.Second}
	layouts := map[int]string{10: "2006010215", 12: "200601021504", 14: "20060102150405"}
	t, err := time.Parse(layouts[len(digits)], digits)
	if err != nil || layouts[len(digits)] == "" {
		return time.Time{}, false
	}
	if fraction != "" {
		f, err := strconv.ParseFloat("0."+fraction, 64)
		if err != nil {
			return time.Time{}, false
		}
		t = t.Add(time.Duration(f * float64(units[len(digits)])).Round(time.Microsecond))
	}
	offset, ok := zoneOffset(text[zone:])
	return t.Add(-offset), ok
}

func zoneOffset(text string) (time.Duration, bool) {
	if text == "Z" {
		return 0, true
	}
	if len(text) != 3 && len(text) != 5 {
		return 0, false
	}
	hours, err := strconv.ParseUint(text[1:3], 10, 8)
	minutes := uint64(0)
	if err == nil && len(text) == 5 {
		minutes, err = strconv.ParseUint(text[3:], 10, 8)
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if text[0] == '-' {
		offset = -offset
	}
	return offset, err == nil && hours < 24 && minutes < 60
}

// GUID returns the first value as text such as 0cc2e6e6-7c55-4b0a-8a4a-6a3b6f3c2d1e: an entryUUID as it is, an objectGUID
// with the byte order that Microsoft's tools show.
func (e Entry) GUID(name string) (string, bool) {
	b := e.Bytes(name)
	if len(b) == 36 {
		text := strings.ToLower(string(b))
		raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
		return text, err == nil && len(raw) == 16
	}
	if len(b) != 16 {
		return "", false
	}
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]),
		binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16]), true
}

// SID returns the first value as text such as S-1-5-21-1-2-3-500.
func (e Entry) SID(name string) (string, bool) { return sidText(e.Bytes(name)) }

func sidText(b []byte) (string, bool) {
	if len(b) < 8 || b[0] != 1 || len(b) != 8+4*int(b[1]) {
		return "", false
	}
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	text := fmt.Sprintf("S-1-%d", authority)
	for part := b[8:]; len(part) > 0; part = part[4:] {
		text += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(part)), 10)
	}
	return text, true
}
