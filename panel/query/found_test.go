// SPDX-License-Identifier: MIT

package query_test

import (
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/instrument/advice"
)

// TestMatchFound asks about what no operation carries, about its company, its connection and its time.
func TestMatchFound(t *testing.T) {
	t.Parallel()
	tests := []matchTest{
		{"returned attribute", "ret:CN", true},
		{"returned attribute with an option", "ret:usercertificate", true},
		{"returned attribute, spelt out", "ret:userCertificate;binary", true},
		{"returned attribute that was not", "ret:mail", false},
		{"any returned attribute", "ret:*", true},
		{"page", "pages:1", true},
		{"later page", "pages:>1", false},
		{"similar", "sim:5", true},
		{"similar, more", "sim:>5", false},
		{"encrypted", "tls:yes", true},
		{"in clear text", "tls:no", false},
		{"way of encryption", "tls:START_TLS", true},
		{"other way of encryption", "tls:tls", false},
		{"advice by rule", "advice:" + strings.ToLower(advice.Rules()[0].ID), true},
		{"advice on others", "advice:" + advice.Rules()[1].ID, false},
		{"advice on many of its shape", "advice:" + advice.Rules()[2].ID, true},
		{"advice on many of another shape", "advice:" + advice.Rules()[3].ID, false},
		{"advice by severity", "advice:medium", true},
		{"advice by severity and above", "advice:medium+", true},
		{"advice above", "advice:critical", false},
		{"several severities", "advice:low,critical", false},
		{"any advice", "advice:*", true},
		{"minute", "at:11:59", true},
		{"other minute", "at:11:58", false},
		{"second", "at:11:59:00", true},
		{"other second", "at:11:59:01", false},
		{"range of times", "at:11:58..11:59:01", true},
		{"range that ends before", "at:11:58..11:59", false},
		{"range into the future", "at:11:00..13:00", true},
		{"range of yesterday", "at:12:30..13:00", false},
		{"range over midnight", "at:12:30..11:59:30", true},
		{"day", "at:2026-11-21", true},
		{"other day", "at:2026-11-20", false},
		{"range of days", "at:2026-11-20..2026-11-22", true},
		{"range from a date to a time", "at:2026-11-21T11:00..11:59:30", true},
		{"range from a date to a time of its own day", "at:2026-11-20T11:00..11:59:30", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, tt.run)
	}
}
