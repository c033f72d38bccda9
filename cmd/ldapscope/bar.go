// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar shows on a terminal how far long work has come. Where nobody looks it is silent.
type bar struct {
	w     io.Writer // nil for nobody
	what  string
	about int // what the whole will be, as far as is known; 0 for unknown
	next  time.Time
	shown int // width of what stands there
}

// barPause is how often the bar is drawn.
const barPause = 100 * time.Millisecond

func newBar(w io.Writer, what string) *bar {
	b := &bar{what: what, next: time.Now().Add(barPause)}
	if onTerminal(w) {
		b.w = w
	}
	return b
}

// tell draws the bar, unless that was done a moment ago.
func (b *bar) tell(done int) {
	now := time.Now()
	if b.w == nil || now.Before(b.next) {
		return
	}
	b.next = now.Add(barPause)
	const width = 40
	text := fmt.Sprintf("%d %s", done, b.what)
	if b.about > 0 {
		full := min(done*width/b.about, width)
		text = fmt.Sprintf("[%s%s] %d of about %d %s", strings.Repeat("#", full), strings.Repeat(".", width-full), done, b.about, b.what)
	}
	b.draw(text)
}

// draw puts a text in the place of the last one.
func (b *bar) draw(text string) {
	fmt.Fprintf(b.w, "\r%-*s", b.shown, text)
	b.shown = len(text)
}

// end takes the bar away.
func (b *bar) end() {
	if b.w != nil && b.shown > 0 {
		b.draw("")
		fmt.Fprint(b.w, "\r")
		b.shown = 0
	}
}
