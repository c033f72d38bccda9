// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// What callers branch on; every error of this package that has one of these causes matches it with errors.Is.
var (
	ErrNoPath     = errors.New("no path given")
	ErrArgument   = errors.New("not possible")
	ErrNotFound   = errors.New("not found")
	ErrAmbiguous  = errors.New("ambiguous")
	ErrRunning    = errors.New("the run is still going on")
	ErrKept       = errors.New("kept already")
	ErrReadOnly   = errors.New("read-only")
	ErrPermission = errors.New("permission denied")
	ErrNoFolder   = errors.New("folder missing")
	ErrNotFile    = errors.New("not a regular file")
	ErrDamaged    = errors.New("not a readable database")
	ErrBusy       = errors.New("in use by another process")
	ErrFull       = errors.New("disk full")
	ErrDisk       = errors.New("disk error")
	ErrNewer      = errors.New("written by a newer version")
	ErrClosed     = errors.New("closed")
)

// Error is what could not be done, where, and what to try. Unwrap gives Kind and Cause.
type Error struct {
	Op     string // such as "open the usage database"
	Path   string // file or folder; empty when none is involved
	Kind   error  // one of the Err values of this package; nil for what has no class
	Cause  error  // what SQLite or the system said; nil when Kind says it all
	Advice string // what to try; may be empty
}

func (e *Error) Error() string {
	text := e.Op
	if e.Path != "" {
		text += " " + e.Path
	}
	switch {
	case e.Kind != nil:
		text += ": " + e.Kind.Error()
	case e.Cause != nil:
		text += ": " + e.Cause.Error()
	}
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return text
}

// Unwrap returns the class and the cause.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Kind, e.Cause} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// wrap classifies err. What is already classified passes unchanged, so that the innermost operation is the one named.
func wrap(op, path string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	advice, kind := classify(err, path)
	return &Error{Op: op, Path: path, Kind: kind, Cause: err, Advice: advice}
}

func classify(err error, path string) (advice string, kind error) {
	if said, ok := errors.AsType[*sqlite.Error](err); ok {
		return classifySQLite(said.Code(), path)
	}
	folder := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("the user of this process must be able to write in %s, or name another file", folder), ErrPermission
	case errors.Is(err, syscall.EROFS):
		return "the file system is mounted read-only; name a file elsewhere", ErrReadOnly
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return "free some space, or name a file elsewhere", ErrFull
	case errors.Is(err, syscall.ENOTDIR):
		return "a part of the path is a file and no folder", ErrNoFolder
	case errors.Is(err, fs.ErrNotExist):
		return "create it, or name another file", ErrNoFolder
	case errors.Is(err, errHangs):
		return "the disk does not answer; look at the system's log, or name a file elsewhere", ErrDisk
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, errors.ErrUnsupported):
		return "the file system has no locks, as some network file systems; name a file on a disk of this machine", ErrDisk
	case errors.Is(err, syscall.EIO):
		return "look at the system's log", ErrDisk
	}
	return "", nil
}

const adviceDamaged = "name the file with the usage; if this is it, it is damaged, and the next program that saves usage there sets it aside and starts a new one"

// classifySQLite puts SQLite's codes into plain words: its own text for a folder without permission is "out of memory".
func classifySQLite(code int, path string) (advice string, kind error) {
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "try again, or find the process that holds it", ErrBusy
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return adviceDamaged, ErrDamaged
	case sqlite3.SQLITE_FULL:
		return "free some space, or name a file elsewhere", ErrFull
	case sqlite3.SQLITE_READONLY:
		return "the file or its folder cannot be written by the user of this process", ErrReadOnly
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return "the user of this process must be able to read and write it", ErrPermission
	case sqlite3.SQLITE_CANTOPEN:
		if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
			return "create it, or name another file", ErrNoFolder
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return "nothing has been saved there yet", ErrNotFound
		}
		return fmt.Sprintf("the user of this process must be able to write in %s", filepath.Dir(path)), ErrPermission
	case sqlite3.SQLITE_IOERR:
		return "the disk may be full or failing", ErrDisk
	case sqlite3.SQLITE_INTERRUPT:
		return "", context.Canceled
	}
	return "", nil
}
