// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"errors"
	"time"
)

// A system call on a disk that is dying, or on a network file system whose server is gone, may never return, and nothing can
// interrupt it. So what touches the disk on the way to the end of a process is waited for in bounds, which add up to less
// than two seconds: the last checkpoint of Run and one before network work at hangWait each, and Finish. What hangs is left
// to itself: it ends with its system call, or with the process. While nobody waits for the end, patience is long.
const (
	hangWait   = 250 * time.Millisecond
	finishWait = 1300 * time.Millisecond // and the budget
	patience   = 10 * time.Second
)

var errHangs = errors.New("it does not answer")

// disk lets one thing at a time be done to a file; it holds a token while nothing is under way.
type disk chan struct{}

func newDisk() disk {
	d := make(disk, 1)
	d <- struct{}{}
	return d
}

// take claims the disk. It fails while something is under way, even when nobody waits for that any more.
func (d disk) take() bool {
	select {
	case <-d:
		return true
	default:
		return false
	}
}

func (d disk) put() { d <- struct{}{} }

// await claims the disk and waits for that as long as it takes.
func (d disk) await() { <-d }

// do runs fn on a disk that was taken, gives the disk back when fn has ended, and returns its error; errHangs when that takes
// longer than wait, or longer than hangWait once ctx has ended. After errHangs fn still runs, so it must own what it uses.
func (d disk) do(ctx context.Context, wait time.Duration, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		err := fn()
		d.put()
		done <- err
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	ended := ctx.Done()
	for {
		select {
		case err := <-done:
			return err
		case <-timer.C:
			return errHangs
		case <-ended:
			ended = nil
			timer.Reset(min(wait, hangWait))
		}
	}
}
