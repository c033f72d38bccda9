// SPDX-License-Identifier: MIT

package usersql_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(serving{m}) }

// serving ends the tests' PostgreSQL before leaks are looked for.
type serving struct{ m *testing.M }

func (s serving) Run() int {
	code := s.m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}
