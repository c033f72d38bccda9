// SPDX-License-Identifier: MIT

// Command ldapscope shows every LDAP operation that an application makes: a demo with a live page, a server for configured
// domains, and the saved usage of programs that are gone. Run ldapscope --help.
package main

import (
	"context"
	"io"
	"log"
	"os"
)

func main() {
	log.SetOutput(io.Discard) // where libraries without a logger of ours print, such as net/http about a stray answer
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}
