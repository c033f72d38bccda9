// SPDX-License-Identifier: MIT

//go:build !linux

package port

import "net"

func reserve() (address string, release func(), err error) {
	on, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = on.Addr().String()
	return address, func() {}, on.Close()
}
