// SPDX-License-Identifier: MIT

package advice_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
)

// ruleTest holds one rule to find, or not to find, something in operations.
type ruleTest struct {
	rule  string
	name  string
	ops   []did
	finds bool
	q     instrument.Request
	at    advice.Severity // 0 for any
}

func inClear(op *did)            { op.Security = instrument.SecurityNone }
func openDomain(op *did)         { op.Domain = "OPEN" }
func method(m string) func(*did) { return func(op *did) { op.Bind.Method = m } }
func dialled(op *did)            { op.Timing.Dial, op.Timing.TLS = 3*ms, 8*ms }
func waited(op *did)             { op.Timing.WaitPool = 30 * ms }
func timedOut(op *did) {
	op.State, op.Result = instrument.StateTimeout, instrument.Result{Error: "timeout"}
}
func referred(op *did)      { op.References = 3 }
func limited(op *did)       { op.Search.SizeLimit = 2 }
func alwaysAliases(op *did) { op.Search.Deref = 3 }
func uid(i int) string      { return fmt.Sprintf("(uid=%d)", i) }
func startTLS() did {
	return with(did{Kind: instrument.KindExtended, Extended: &instrument.Extended{Name: "StartTLS"}}, nil)
}
func compare(attribute string) did {
	return with(did{Kind: instrument.KindCompare, DN: "cn=0,dc=x", Changes: []instrument.Change{{Operation: "compare", Attribute: attribute}}}, nil)
}
func page(i int) did {
	return search("sub", "dc=x", "(objectClass=person)", "cn", paged, found(500), func(op *did) { op.Call, op.Exact = instrument.Call{ID: 1, N: i + 1}, uint64(i) })
}
func together(i int) did {
	return search("sub", "dc=x", uid(i), "cn", taking(20*ms), func(op *did) { op.Start = time.Unix(0, int64(i)) })
}
func member(i int) did {
	return search("base", fmt.Sprintf("cn=%d,dc=x", i), "(objectClass=*)", "cn", taking(20*ms))
}

var (
	one       = search("sub", "dc=x", "(uid=a)", "cn")
	groupRead = search("base", "cn=g1,dc=x", "(objectClass=*)", "member")
	cut       = search("base", "cn=g2,dc=x", "(objectClass=*)", "member", weighs(60_000))
	job       = instrument.Request{Kind: "job"}
	pooled    = instrument.Request{Kind: instrument.Background}
)

var ruleTests = slices.Concat([]ruleTest{
	{rule: "A01", name: "twice", ops: []did{one, one}, finds: true},
	{rule: "A01", name: "other literals", ops: []did{one, search("sub", "dc=x", "(uid=b)", "cn")}},
	{rule: "A01", name: "a write in between", ops: []did{one, write(instrument.KindModify, "cn=0"), one}},
	{rule: "A01", name: "a write to another domain in between", ops: []did{one, write(instrument.KindModify, "cn=0", openDomain), one}, finds: true},
	{rule: "A01", name: "twice before a write, once after", ops: []did{one, one, write(instrument.KindModify, "cn=0"), one}, finds: true},
	{rule: "A01", name: "outside of any request", ops: []did{one, one}, q: pooled},
	{rule: "A01", name: "two binds", ops: []did{bind("cn=a"), bind("cn=a")}},
	{rule: "A02", name: "a loop", ops: times(5, func(i int) did { return search("sub", "dc=x", uid(i), "cn", taking(20*ms)) }), finds: true, at: advice.High},
	{rule: "A02", name: "four", ops: times(4, func(i int) did { return search("sub", "dc=x", uid(i), "cn", taking(20*ms)) })},
	{rule: "A02", name: "pages of one search", ops: times(8, page)},
	{rule: "A02", name: "at the same time", ops: times(8, together)},
	{rule: "A02", name: "the same question", ops: times(8, func(int) did { return one })},
	{rule: "A02", name: "quick beside the rest", ops: append(times(5, func(i int) did { return search("sub", "dc=x", uid(i), "cn", taking(ms)) }), search("sub", "dc=x", "(cn=b)", "cn", taking(90*ms)))},
	{rule: "A02", name: "loop of two shapes", ops: times(12, func(i int) did {
		if i%2 == 0 {
			return search("sub", "dc=x", uid(i), "cn", taking(20*ms))
		}
		return search("sub", "dc=x", uid(i), "mail", taking(20*ms))
	}), finds: true},
	{rule: "A02", name: "members are told as members", ops: append([]did{groupRead}, times(5, member)...)},
	{rule: "A03", name: "members of a group", ops: append([]did{groupRead}, times(3, member)...), finds: true},
	{rule: "A03", name: "names that came from elsewhere", ops: append([]did{groupRead}, times(5, func(i int) did { return member(i + 50) })...)},
	{rule: "A03", name: "members were not asked for", ops: append([]did{search("base", "cn=g1,dc=x", "(objectClass=*)", "cn,mail")}, times(5, member)...)},
	{rule: "A05", name: "two lists", ops: []did{member(1), search("base", "CN=1,dc=x", "(objectclass=*)", "mail")}, finds: true},
	{rule: "A05", name: "the same list", ops: []did{member(1), member(1)}},
	{rule: "A05", name: "two entries", ops: []did{member(1), search("base", "cn=2,dc=x", "(objectClass=*)", "mail")}},
	{rule: "A07", name: "root entry", ops: []did{search("base", "", "(objectClass=*)", "namingContexts")}, finds: true},
	{rule: "A07", name: "root entry at the start", ops: []did{search("base", "", "(objectClass=*)", "namingContexts")}, q: pooled},
	{rule: "A10", name: "eleven", ops: times(11, func(int) did { return one }), finds: true},
	{rule: "A10", name: "ten", ops: times(10, func(int) did { return one })},
	{rule: "A10", name: "pages are one call", ops: times(30, page)},
	{rule: "A10", name: "a job", ops: times(40, func(int) did { return one }), q: job},
	{rule: "A10", name: "most of a long request", ops: []did{search("sub", "dc=x", "(uid=a)", "cn", taking(300*ms))}, q: instrument.Request{Duration: 310 * ms}, finds: true, at: advice.Low},
	{rule: "A10", name: "most of a short request", ops: []did{one}, q: instrument.Request{Duration: 6 * ms}},
}, filterTests, answerTests, safetyTests)

var tested = func() (ids []string) {
	finds := map[string]bool{}
	for _, tt := range ruleTests {
		finds[fmt.Sprint(tt.rule, tt.finds)] = true
	}
	for key := range finds {
		if id, ok := strings.CutSuffix(key, "true"); ok && finds[id+"false"] {
			ids = append(ids, id)
		}
	}
	return ids
}()

// many are the words for more than one behind the number one.
var many = regexp.MustCompile(`\b1 (operations|searches|binds|entries|reads|compares|questions|calls)\b`)

func TestEachRule(t *testing.T) {
	t.Parallel()
	for _, tt := range ruleTests {
		t.Run(tt.rule+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			findings := reviewed(tt.q, tt.ops, facts)
			i := slices.IndexFunc(findings, func(f advice.Finding) bool { return f.Rule.ID == tt.rule })
			if (i >= 0) != tt.finds {
				t.Fatalf("found %v, want %s to be found: %v", ids(findings), tt.rule, tt.finds)
			}
			if i >= 0 && tt.at != 0 && findings[i].Severity != tt.at {
				t.Errorf("severity %s, want %s", findings[i].Severity, tt.at)
			}
			for _, f := range findings {
				if many.MatchString(f.Evidence) {
					t.Errorf("%s says %q of one", f.Rule.ID, f.Evidence)
				}
			}
		})
	}
}
