// SPDX-License-Identifier: MIT

//go:build !unix

package metricsdb

import "os"

// endings are the signals that ask a process to end in good order.
var endings = []os.Signal{os.Interrupt}

func ignorePipe() (restore func()) { return func() {} }

func status(os.Signal) int { return 1 }
