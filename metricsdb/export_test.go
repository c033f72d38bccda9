// SPDX-License-Identifier: MIT

package metricsdb

// ErrHangs is why a disk was given up, which is ErrDisk to callers.
var ErrHangs = errHangs

// Held reports whether a live owner has a lock.
var Held = held

// Classify puts an error of the system into the words of this package.
func Classify(err error) error { return wrap("save usage to", "/folder/usage.db", err) }

// SetDriver has every database opened through another driver of database/sql. Call it before any is opened.
func SetDriver(name string) { driver = name }
