// SPDX-License-Identifier: MIT

package samba_test

import (
	"fmt"
	"os"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/samba"
)

// orphanVariable makes the test program start a server, say where, and wait to be killed.
const orphanVariable = "LDAPSCOPE_SAMBA_ORPHAN"

// lonely is a test that nobody cleans up after.
type lonely struct{}

func (lonely) Helper()        {}
func (lonely) Cleanup(func()) {}
func (lonely) Skipf(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}
func (lonely) Fatalf(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}

func orphan() {
	s := samba.Start(lonely{}, config)
	fmt.Println(s.Pid(), s.IP)
	_, _ = os.Stdin.Read(make([]byte, 1))
}
