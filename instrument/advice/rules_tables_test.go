// SPDX-License-Identifier: MIT

package advice_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/advice"
)

func asks(filter string, change ...func(*did)) []did {
	return []did{search("sub", "ou=people,dc=x", filter, "cn", change...)}
}

func base(filter string, change ...func(*did)) []did {
	return []did{search("base", "cn=0,dc=x", filter, "cn", change...)}
}

var filterTests = []ruleTest{
	{rule: "B01", name: "middle", ops: asks("(cn=*a*)"), finds: true, at: advice.Medium},
	{rule: "B01", name: "end, slow", ops: asks("(cn=*a)", taking(300*ms)), finds: true, at: advice.High},
	{rule: "B01", name: "beside a class", ops: asks("(&(objectClass=person)(cn=*a*))"), finds: true},
	{rule: "B01", name: "beginning", ops: asks("(cn=a*)")},
	{rule: "B01", name: "beginning and middle", ops: asks("(cn=a*b*)")},
	{rule: "B01", name: "beside an equality", ops: asks("(&(uid=a)(cn=*a*))")},
	{rule: "B01", name: "an equality that may not hold", ops: asks("(|(uid=a)(cn=*a*))"), finds: true},
	{rule: "B01", name: "one entry", ops: base("(cn=*a*)")},
	{rule: "B02", name: "every entry", ops: asks("(objectClass=*)"), finds: true},
	{rule: "B02", name: "whoever has mail", ops: asks("(&(objectClass=*)(mail=*))"), finds: true},
	{rule: "B02", name: "with pages", ops: asks("(objectClass=*)", paged)},
	{rule: "B02", name: "one entry", ops: base("(objectClass=*)")},
	{rule: "B02", name: "beside an equality", ops: asks("(&(objectClass=*)(uid=a))")},
	{rule: "B03", name: "a class", ops: asks("(objectClass=person)"), finds: true},
	{rule: "B03", name: "class and bits", ops: asks("(&(objectCategory=person)(userAccountControl:1.2.840.113556.1.4.803:=2))"), finds: true},
	{rule: "B03", name: "class and equality", ops: asks("(&(objectClass=person)(uid=a))")},
	{rule: "B03", name: "chain", ops: asks("(memberOf:1.2.840.113556.1.4.1941:=cn=g)")},
	{rule: "B03", name: "no filter recorded", ops: asks("")},
	{rule: "B04", name: "not", ops: asks("(!(uid=a))"), finds: true},
	{rule: "B04", name: "class and not", ops: asks("(&(objectClass=person)(!(uid=a)))"), finds: true},
	{rule: "B04", name: "equality and not", ops: asks("(&(uid=a)(!(mail=*)))")},
	{rule: "B07", name: "a slip", ops: asks("(&(objectClass=person)(uidd=a))"), finds: true},
	{rule: "B07", name: "known, with an option", ops: asks("(cn;lang-de=a)")},
	{rule: "B10", name: "from the top", ops: []did{search("sub", "dc=x,dc=y", "(memberOf:1.2.840.113556.1.4.1941:=cn=g)", "cn")}, finds: true},
	{rule: "B10", name: "from a container", ops: asks("(memberOf:1.2.840.113556.1.4.1941:=cn=g)")},
	{rule: "B11", name: "sixty", ops: asks("(|" + strings.Repeat("(uid=a)", 60) + ")"), finds: true},
	{rule: "B11", name: "fifty", ops: asks("(|" + strings.Repeat("(uid=a)", 50) + ")")},
	{rule: "B11", name: "many bytes, filter cut", ops: asks("(|(uid=…", func(op *did) { op.BytesSent = 20_000 }), finds: true},
	{rule: "B14", name: "known name", ops: asks("(distinguishedName=cn=a)"), finds: true},
	{rule: "B14", name: "unknown name", ops: asks("(cn=a)")},
	{rule: "B16", name: "always", ops: asks("(uid=a)", alwaysAliases), finds: true},
	{rule: "B16", name: "never", ops: asks("(uid=a)")},
	{rule: "B18", name: "is a member", ops: []did{search("base", "cn=g,dc=x", "(member=cn=a)", "1.1")}, finds: true, at: advice.Info},
	{rule: "B18", name: "reads one", ops: []did{search("base", "cn=g,dc=x", "(objectClass=*)", "cn")}},
}

var answerTests = []ruleTest{
	{rule: "C01", name: "no list", ops: []did{search("sub", "dc=x", "(uid=a)", "")}, finds: true},
	{rule: "C01", name: "star", ops: []did{search("sub", "dc=x", "(uid=a)", "*")}, finds: true},
	{rule: "C01", name: "a list", ops: []did{one}},
	{rule: "C01", name: "root entry", ops: []did{search("base", "", "(objectClass=*)", "")}},
	{rule: "C01", name: "nothing came", ops: []did{search("sub", "dc=x", "(uid=a)", "", found(0))}},
	{rule: "C02", name: "both", ops: []did{search("sub", "dc=x", "(uid=a)", "*,+")}, finds: true},
	{rule: "C02", name: "operational alone", ops: []did{search("sub", "dc=x", "(uid=a)", "+")}},
	{rule: "C03", name: "photos", ops: asks("(uid=a)", weighs(300_000)), finds: true},
	{rule: "C03", name: "many small ones", ops: asks("(uid=a)", weighs(300_000), found(300))},
	{rule: "C05", name: "cut", ops: []did{cut}, finds: true, at: advice.High},
	{rule: "C05", name: "followed", ops: []did{cut, search("base", "cn=g2,dc=x", "(objectClass=*)", "member;range=1500-*")}},
	{rule: "C05", name: "small", ops: []did{groupRead}},
	{rule: "C10", name: "many", ops: asks("(uid=a)", found(6000)), finds: true},
	{rule: "C10", name: "many in a job", ops: asks("(uid=a)", found(6000)), q: job},
	{rule: "D01", name: "limit", ops: asks("(uid=a)", code(4), found(500)), finds: true, at: advice.High},
	{rule: "D01", name: "no limit", ops: asks("(uid=a)", found(500))},
	{rule: "D02", name: "many", ops: asks("(uid=a)", found(600)), finds: true},
	{rule: "D02", name: "many with pages", ops: asks("(uid=a)", found(600), paged)},
	{rule: "D02", name: "some", ops: asks("(uid=a)", found(300))},
	{rule: "D02", name: "some on OpenLDAP", ops: asks("(uid=a)", found(300), openDomain), finds: true},
	{rule: "D03", name: "time", ops: asks("(uid=a)", code(3)), finds: true},
	{rule: "D03", name: "admin", ops: asks("(uid=a)", code(11)), finds: true},
	{rule: "D03", name: "none", ops: asks("(uid=a)")},
	{rule: "D06", name: "two people", ops: []did{search("sub", "dc=x", "(uid=a)", "cn", found(2)), bind("cn=a", elsewhere)}, finds: true, at: advice.High},
	{rule: "D06", name: "no limit", ops: []did{one, bind("cn=a", elsewhere)}, finds: true, at: advice.Low},
	{rule: "D06", name: "limit of two", ops: []did{search("sub", "dc=x", "(uid=a)", "cn", limited), bind("cn=a", elsewhere)}},
	{rule: "D06", name: "nobody", ops: []did{search("sub", "dc=x", "(uid=a)", "cn", found(0)), bind("cn=a", elsewhere)}},
	{rule: "D06", name: "a search after the bind", ops: []did{bind("cn=a", elsewhere), one}},
	{rule: "G02", name: "half a second", ops: asks("(uid=a)", taking(600*ms)), finds: true, at: advice.Medium},
	{rule: "G02", name: "three seconds", ops: asks("(uid=a)", taking(3*time.Second)), finds: true, at: advice.High},
	{rule: "G02", name: "quick", ops: asks("(uid=a)", taking(400*ms))},
}

var safetyTests = []ruleTest{
	{rule: "E01", name: "over the network", ops: []did{bind("cn=a", inClear, on("10.0.0.5:389"))}, finds: true, at: advice.Critical},
	{rule: "E01", name: "on this machine", ops: []did{bind("cn=a", inClear, on("127.0.0.1:389"))}, finds: true, at: advice.Low},
	{rule: "E01", name: "unix socket", ops: []did{bind("cn=a", inClear, on("/run/ldapi"))}},
	{rule: "E01", name: "TLS", ops: []did{bind("cn=a")}},
	{rule: "E01", name: "no password", ops: []did{bind("", inClear, on("10.0.0.5:389"), method("anonymous"))}},
	{rule: "E01", name: "StartTLS", ops: []did{bind("cn=a", func(op *did) { op.Security = instrument.SecurityStartTLS })}},
	{rule: "E01", name: "of no domain", ops: []did{bind("cn=a", inClear, on("10.0.0.5:389"), func(op *did) { op.Domain = "" })}, finds: true, at: advice.Critical},
	{rule: "E02", name: "over the network", ops: asks("(uid=a)", inClear, on("10.0.0.5:389")), finds: true},
	{rule: "E02", name: "on this machine", ops: asks("(uid=a)", inClear, on("[::1]:389"))},
	{rule: "E02", name: "TLS", ops: asks("(uid=a)")},
	{rule: "E02", name: "of no domain", ops: asks("(uid=a)", inClear, on("10.0.0.5:389"), func(op *did) { op.Domain = "" }), finds: true},
	{rule: "E03", name: "let in", ops: []did{bind("cn=a", method("unauthenticated"))}, finds: true, at: advice.Critical},
	{rule: "E03", name: "refused", ops: []did{bind("cn=a", method("unauthenticated"), code(53))}, finds: true, at: advice.Medium},
	{rule: "E03", name: "anonymous", ops: []did{bind("", method("anonymous"))}},
	{rule: "E09", name: "asked for", ops: []did{search("sub", "dc=x", "(uid=a)", "cn,userPassword")}, finds: true},
	{rule: "E09", name: "not asked for", ops: []did{one}},
	{rule: "E10", name: "cn=admin", ops: []did{bind("cn=admin,dc=x")}, finds: true},
	{rule: "E10", name: "down-level name", ops: []did{bind(`EXAMPLE\Administrator`)}, finds: true},
	{rule: "E10", name: "principal", ops: []did{bind("administrator@example.org")}, finds: true},
	{rule: "E10", name: "refused", ops: []did{bind("cn=admin,dc=x", code(49))}},
	{rule: "E10", name: "service", ops: []did{bind("cn=administration,dc=x")}},
	{rule: "E11", name: "three times", ops: times(3, func(int) did { return bind("cn=a", code(49)) }), finds: true},
	{rule: "E11", name: "three people", ops: times(3, func(i int) did { return bind(fmt.Sprint("cn=", i), code(49)) })},
	{rule: "E13", name: "password", ops: []did{compare("userPassword")}, finds: true},
	{rule: "E13", name: "member", ops: []did{compare("member")}},
	{rule: "F01", name: "twice", ops: []did{bind("cn=a"), bind("CN=a")}, finds: true},
	{rule: "F01", name: "two people", ops: []did{bind("cn=a"), bind("cn=b")}},
	{rule: "F01", name: "a pool that fills", ops: []did{bind("cn=a"), bind("cn=a")}, q: pooled},
	{rule: "F01", name: "steps of one bind", ops: []did{bind("cn=a", func(op *did) { op.Call.N = 1 }), bind("cn=a", func(op *did) { op.Call.N = 2 })}},
	{rule: "F02", name: "each", ops: times(4, func(i int) did { return search("sub", "dc=x", uid(i), "cn", dialled) }), finds: true},
	{rule: "F02", name: "the first", ops: append(asks("(uid=a)", dialled), times(4, func(i int) did { return search("sub", "dc=x", uid(i), "cn") })...)},
	{rule: "F03", name: "long", ops: asks("(uid=a)", waited), finds: true},
	{rule: "F03", name: "none", ops: asks("(uid=a)")},
	{rule: "F06", name: "referral", ops: asks("(uid=a)", code(10)), finds: true, at: advice.Medium},
	{rule: "F06", name: "references", ops: asks("(uid=a)", referred), finds: true, at: advice.Low},
	{rule: "F06", name: "none", ops: asks("(uid=a)")},
	{rule: "F07", name: "twice", ops: []did{startTLS(), startTLS()}, finds: true},
	{rule: "F07", name: "once", ops: []did{startTLS()}},
	{rule: "F09", name: "timeout", ops: asks("(uid=a)", timedOut), finds: true},
	{rule: "F09", name: "slow answer", ops: asks("(uid=a)", taking(5*time.Second))},
	{rule: "H03", name: "twice", ops: []did{write(instrument.KindModify, "cn=0"), write(instrument.KindModify, "CN=0")}, finds: true},
	{rule: "H03", name: "two entries", ops: []did{write(instrument.KindModify, "cn=0"), write(instrument.KindModify, "cn=1")}},
	{rule: "H05", name: "ten", ops: times(10, func(i int) did { return write(instrument.KindDelete, fmt.Sprintf("cn=%d,ou=x", i)) }), finds: true},
	{rule: "H05", name: "nine", ops: times(9, func(i int) did { return write(instrument.KindDelete, fmt.Sprintf("cn=%d,ou=x", i)) })},
}
