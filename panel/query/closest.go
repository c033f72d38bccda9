// SPDX-License-Identifier: MIT

package query

import (
	"fmt"
	"maps"
	"slices"
)

// words are what people write instead of a key. They are no keys: what stands in an address is to have one spelling.
var words = map[string][]string{
	"advice": {"finding", "rule"}, "at": {"when", "clock"}, "attr": {"attribute", "attributes"}, "base": {"searchbase"}, "bytes": {"size", "received"}, "caller": {"function"}, "code": {"result", "resultcode", "rc"}, "conn": {"connection"},
	"ctl": {"control"}, "dn": {"entry", "target", "object"}, "dom": {"domain"}, "dup": {"duplicate", "duplicates", "repeat", "repeats"}, "dur": {"duration", "time", "took", "latency"}, "f": {"filter"},
	"is": {"state"}, "pages": {"page"}, "ret": {"returned", "has"}, "sim": {"similar", "same"}, "tls": {"secure", "security", "encryption", "ssl"}, "n": {"entries", "count", "rows"}, "op": {"operation", "kind", "type"}, "req": {"request", "id"}, "route": {"path", "url"}, "srv": {"server", "host"}, "ttfe": {"first"}, "under": {"subtree"}, "wait": {"pool"},
}

// suggestion names the key that was probably meant.
func suggestion(name string) string {
	best := Closest(name, slices.Sorted(maps.Keys(keys)))
	for of, said := range words {
		if slices.Contains(said, name) {
			best = of
		}
	}
	if best == "" {
		return "; put text with a colon into quotes"
	}
	return fmt.Sprintf("; did you mean %s:?", best)
}

// Closest returns the candidate that name was probably meant to be, or "" when none is near.
func Closest(name string, candidates []string) string {
	best, distance := "", 3
	for _, candidate := range candidates {
		if d := editDistance(name, candidate); d < distance && d < max(len(name), 2) {
			best, distance = candidate, d
		}
	}
	return best
}

// editDistance is the number of letters to change, add or remove (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
