// SPDX-License-Identifier: MIT

//go:build unix && !solaris && !aix

package samba

import (
	"errors"
	"os"
	"syscall"
)

// lock is a locked file. The system unlocks it when the process ends, however that happens.
type lock struct{ file *os.File }

// tryLock locks a file, or returns nil when it is locked already.
func tryLock(path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // stays: whoever removed it would let two in
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &lock{file}, nil
	}
	file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, err
}

func (l *lock) release() {
	if l != nil {
		l.file.Close()
	}
}
