// SPDX-License-Identifier: MIT

package samba

import (
	"fmt"
	"net"
	"path/filepath"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// The last numbers of the loopback addresses that servers run on.
const (
	firstAddress = 21
	lastAddress  = 60
)

// address takes a loopback address that nobody else uses, until the test ends, and the folder that goes with it.
func (s *Server) address(shelf string) {
	s.tb.Helper()
	var last error
	for n := firstAddress; n <= lastAddress; n++ {
		ip := fmt.Sprintf("127.0.0.%d", n)
		lock, err := tryLock(filepath.Join(shelf, ip+".lock"))
		if err == nil && lock == nil {
			continue // another test's
		}
		if err == nil {
			err = free(ip)
		}
		if err == nil {
			s.tb.Cleanup(lock.release)
			s.IP, s.Dir = ip, filepath.Join(shelf, ip)
			return
		}
		lock.release()
		last = err
	}
	require.Missing(s.tb, "samba", fmt.Sprintf("none of the addresses 127.0.0.%d to %d is free: %v", firstAddress, lastAddress, last))
}

// free reports why a server could not listen on an address: another one, or a system without such addresses.
func free(ip string) error {
	for _, port := range []string{"389", "636", "3268", "3269", "88", "464"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(ip, port))
		if err != nil {
			return err
		}
		if err := ln.Close(); err != nil {
			return err
		}
	}
	return nil
}
