// SPDX-License-Identifier: MIT

// Package advice reviews the LDAP operations of one HTTP request or job and says what could be better: questions asked
// twice, one search for each row of a list, searches that no index serves, answers that are cut off, passwords in clear
// text. Each piece of advice tells what was seen, with numbers, why it matters and what to do.
//
//	q, ops, _ := recorder.Request(id)
//	for _, f := range advice.Review(q, ops, advice.Facts{}) {
//		fmt.Println(f)
//	}
//
// Rules are pure functions over what was recorded; nothing is asked of a server. A rule that needs what the operations do
// not hold, such as whether a connection is encrypted, keeps quiet unless Facts tells. Rules give no advice on what they
// cannot see: where filters are not recorded, those that read filters find nothing.
//
// Review is safe for concurrent use, as far as the functions in Facts are. It returns no errors.
package advice
