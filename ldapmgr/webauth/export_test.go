// SPDX-License-Identifier: MIT

package webauth

import (
	"testing"
	"time"
)

// RememberForTest changes for how long names are remembered, until the test ends.
func RememberForTest(t *testing.T, d time.Duration) {
	t.Helper()
	before := remembered
	remembered = d
	t.Cleanup(func() { remembered = before })
}
