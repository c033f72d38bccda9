// SPDX-License-Identifier: MIT

package metricsdb

import (
	"errors"
	"os"
	"syscall"
)

// sharingViolation is ERROR_SHARING_VIOLATION.
const sharingViolation = syscall.Errno(32)

// lockFile opens or creates path so that nobody else can open it; the system gives it back when the process ends. It
// returns errHeld when another owner has it.
func lockFile(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const shareNothing = 0
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNothing, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, sharingViolation) {
		return nil, errHeld
	}
	if err != nil {
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// unlockFile gives the lock back, then removes the file when asked: an open file cannot be removed here. Who locks it in
// between keeps it, and finds a spool without data.
func unlockFile(f *os.File, remove bool) error {
	err := f.Close()
	if remove && err == nil {
		if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, sharingViolation) {
			err = gone
		}
	}
	return err
}

// held reports whether a live owner has the lock; it creates nothing.
func held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return errors.Is(err, sharingViolation)
	}
	_ = f.Close()
	return false
}

// lockShared returns nothing: a file that somebody has open cannot be renamed here, which is what the lock is to keep from happening.
func lockShared(string) (*os.File, error) { return nil, nil }
