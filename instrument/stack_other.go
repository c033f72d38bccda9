// SPDX-License-Identifier: MIT

//go:build !amd64

package instrument

import "runtime"

// walk writes where the calls that are under way return to, the innermost first, from that of its caller on.
func walk(to *callStack) { runtime.Callers(3, to[:]) }
