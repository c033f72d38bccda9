// SPDX-License-Identifier: MIT

package ldaptest

import (
	"net"
	"syscall"
)

// peerOf returns as whom the process at the other end of a socket runs.
func peerOf(conn *net.UnixConn) (uid, gid uint32, known bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	var peer *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || failed != nil {
		return 0, 0, false
	}
	return peer.Uid, peer.Gid, true
}
