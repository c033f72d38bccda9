// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"time"
)

// Tell reports the progress of work that has been silent for long, twice in a row.
func Tell(w io.Writer) {
	said := newProgress(w)
	said.next = time.Now()
	said.tell("done %d of %d", 1, 2)
	said.tell("done %d of %d", 2, 2)
}

// Fold breaks a text as the last column of a table is broken.
var Fold = fold
