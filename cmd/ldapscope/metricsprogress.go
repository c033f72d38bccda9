// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progressPause is how long work may be silent: what is done sooner needs no word.
const progressPause = time.Second

// progress tells people that long work goes on. Where nobody looks, as in a pipe or a file, it is silent.
type progress struct {
	w    io.Writer // nil for nobody
	next time.Time
}

func newProgress(w io.Writer) *progress {
	p := &progress{next: time.Now().Add(progressPause)}
	if onTerminal(w) {
		p.w = w
	}
	return p
}

// onTerminal reports whether what is written is seen by a person.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// tell prints a line unless one was printed lately.
func (p *progress) tell(format string, args ...any) {
	if now := time.Now(); p.w != nil && !now.Before(p.next) {
		fmt.Fprintf(p.w, "ldapscope: "+format+"\n", args...)
		p.next = now.Add(progressPause)
	}
}
