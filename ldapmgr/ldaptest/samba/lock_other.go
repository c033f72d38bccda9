// SPDX-License-Identifier: MIT

//go:build !unix || solaris || aix

package samba

import "errors"

type lock struct{}

func tryLock(string) (*lock, error) {
	return nil, errors.New("files cannot be locked on this system")
}

func (*lock) release() {}
