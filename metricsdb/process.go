// SPDX-License-Identifier: MIT

package metricsdb

import (
	"crypto/rand"
	"os"
	"runtime"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

// NewRun describes this process under a new random id. App and version are the program's own. A host whose name is unknown
// is left empty.
func NewRun(app, version string) instrument.Run {
	host, _ := os.Hostname()
	return instrument.Run{
		ID: rand.Text(), Host: host, PID: os.Getpid(), App: app, Version: version, GoVersion: runtime.Version(),
		Start: time.Now(), Ended: instrument.RunRunning,
	}
}
