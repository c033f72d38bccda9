// SPDX-License-Identifier: MIT

//go:build unix

package postgres

import (
	"os"
	"syscall"
)

const nobody = 65534

// unprivileged is whom the server runs as, who also gets the folder: as root it does not start.
func unprivileged(folder string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is the test's, which then ends the server
	if os.Getuid() != 0 {
		return attributes, nil
	}
	attributes.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	return attributes, os.Chown(folder, nobody, nobody)
}
