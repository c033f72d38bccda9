// SPDX-License-Identifier: MIT

//go:build race

package instrument_test

const raceEnabled = true
