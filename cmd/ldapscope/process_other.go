// SPDX-License-Identifier: MIT

//go:build !unix

package main

import "os"

func alive(p *os.Process) bool { return p != nil }
