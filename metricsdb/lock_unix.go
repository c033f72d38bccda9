// SPDX-License-Identifier: MIT

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package metricsdb

import (
	"errors"
	"os"
	"syscall"
)

// lockFile opens or creates path and locks it for as long as the file stays open, that is, at most for the life of the
// process. It returns errHeld when another owner has it.
func lockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := flock(f, syscall.LOCK_EX); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		// Between opening and locking the former owner may have removed the file: then the lock is on a file that nobody
		// else can find, and the name has to be tried again.
		ours, err := f.Stat()
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if named, err := os.Stat(path); err == nil && os.SameFile(ours, named) {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// lockShared locks path, which is never removed, together with others that do the same; errHeld while lockFile has it.
func lockShared(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_SH); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errHeld
		}
		return err
	}
}

// unlockFile gives the lock back and removes the file first when asked, so that no one can lock a name about to go.
func unlockFile(f *os.File, remove bool) error {
	var removed error
	if remove {
		removed = os.Remove(f.Name())
	}
	return errors.Join(removed, f.Close())
}

// held reports whether a live owner has the lock; it creates nothing. A shared lock does not disturb others who ask.
func held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(flock(f, syscall.LOCK_SH), errHeld)
}
