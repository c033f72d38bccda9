// SPDX-License-Identifier: MIT

//go:build !unix

package postgres

import "syscall"

// unprivileged is whom the server runs as.
func unprivileged(string) (*syscall.SysProcAttr, error) { return nil, nil }
