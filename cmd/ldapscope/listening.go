// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// listen opens a port. A taken default port falls back to a free one; an asked-for port that is taken is an error.
func listen(ctx context.Context, flag, address string, asked bool) (net.Listener, error) {
	var config net.ListenConfig
	on, err := config.Listen(ctx, "tcp", address)
	if err == nil {
		return on, nil
	}
	host, port, bad := net.SplitHostPort(address)
	if bad == nil {
		_, bad = net.DefaultResolver.LookupPort(ctx, "tcp", port)
	}
	if bad != nil {
		return nil, usageError{fmt.Errorf("--%s %q is no address: write host:port, such as 127.0.0.1:8389", flag, address)}
	}
	if asked || !strings.Contains(err.Error(), "in use") {
		return nil, fmt.Errorf("cannot listen on %s: %s; choose another with --%s %s:0", address, reason(err, port), flag, host)
	}
	return config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
}

func reason(err error, port string) string {
	if strings.Contains(err.Error(), "in use") {
		return "port " + port + " is in use"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

// openable is where this machine reaches a port: an address that means all of them is none that a link can have, nor one that the
// panel answers to.
func openable(on net.Listener) string {
	at, is := on.Addr().(*net.TCPAddr)
	if !is || !at.IP.IsUnspecified() {
		return on.Addr().String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(at.Port)) // which an unspecified address of either family takes, see net.Listen
}

// warnExposed says of a port that other machines can reach that they can.
func (s *surroundings) warnExposed(what string, on net.Listener, but string) {
	if at, is := on.Addr().(*net.TCPAddr); is && !at.IP.IsLoopback() {
		fmt.Fprintf(s.stderr, "ldapscope: the %s listens on %s, which other machines can reach%s\n", what, at, but)
	}
}
