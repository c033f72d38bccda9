// SPDX-License-Identifier: MIT

//go:build !unix

package metricsdb_test

// child is for systems on which processes are ended by signals.
func child(string, string) {}
