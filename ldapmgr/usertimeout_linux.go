// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"strings"
	"syscall"
	"time"
)

const (
	tcpUserTimeout = 0x12            // TCP_USER_TIMEOUT of <linux/tcp.h>
	unacknowledged = 5 * time.Second // how long sent bytes may go unacknowledged: a second net behind the limits on answers
)

// boundSilence makes the kernel give a connection up whose peer is gone while a request is in flight, which keepalive does
// not notice for minutes. A kernel that cannot do it is no reason to fail.
func boundSilence(network, _ string, socket syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	return socket.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(unacknowledged.Milliseconds()))
	})
}
