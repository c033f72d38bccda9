// SPDX-License-Identifier: MIT

package instrument

// walk writes where the calls that are under way return to, the innermost first, from that of who calls it on.
// runtime.Callers would look each of them up in the tables of its function, which takes longer than all else that is
// recorded of an operation; that is done here when somebody asks for the stack.
//
//go:noescape
func walk(to *callStack)
