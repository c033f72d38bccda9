// SPDX-License-Identifier: MIT

//go:build race

package ldapmgr_test

const raceEnabled = true
