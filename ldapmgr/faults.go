// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

const (
	faultQuiet = 30 * time.Second // without it until a fault counts as another one; probes of a server that is down come more often
	faultsKept = 20               // that Status lists
)

// FaultStatus is something that went wrong with a server, the way to it or the account used there. However many calls met
// it, it is one: it is told by one span event, one count of the metric ldap.client.faults, one line in the log, and here.
type FaultStatus struct {
	Class  Class
	Server string // host:port or path of a socket; "" where it is about no one server
	Reason string // in plain words
	First  time.Time
	Last   time.Time
	Count  uint64 // how often it was met
}

// faults is what went wrong in one domain lately.
type faults struct {
	mu    sync.Mutex    // guards known
	known []FaultStatus // the newest first
}

// meet notes a fault that was met, and reports whether it is a new one.
func (f *faults) meet(met FaultStatus) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.known {
		if k := &f.known[i]; k.Class == met.Class && k.Server == met.Server {
			if met.Last.Sub(k.Last) > faultQuiet {
				break // an old one that ended
			}
			k.Last = met.Last
			k.Count++
			return false
		}
	}
	f.known = slices.Insert(f.known, 0, met)
	f.known = f.known[:min(len(f.known), faultsKept)]
	return true
}

// list returns the faults, the newest first.
func (f *faults) list() []FaultStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.known)
}

// harmless are the classes of errors that are no faults: what a caller wanted or did wrong, and answers, which the
// operation's own span, metric and row tell.
var harmless = []Class{"", ClassCanceled, ClassReadOnly, ClassAnswer}

// ownFaults are the classes that are about this process or its account and not about the server that showed them.
var ownFaults = []Class{ClassDescriptors, ClassExhausted, ClassConfig, ClassCredentials}

// tellLoan tells why a loan failed, where that was the server's doing. A connection that ended before any answer is usual,
// servers do that to connections that rest: the next one shows whether there is more to it.
func (d *Domain) tellLoan(ctx context.Context, m *member, sent, again bool, err error) {
	var operation *instrument.OperationError
	if !errors.As(err, &operation) || ctx.Err() != nil || m.killed.Load() { // one that the keeper cut was told of
		return
	}
	if !sent && Classify(err) == ClassOther { // a request that cannot be one, such as a filter that cannot be read
		return
	}
	begun := errors.Is(err, instrument.ErrIncomplete) || errors.Is(err, io.ErrUnexpectedEOF)
	if again && !begun && Classify(err) == ClassClosed {
		return
	}
	d.tellFault(ctx, m.endpoint, err)
}

// tellFault tells of a fault, unless that was done already. e is nil where it is about no one server.
func (d *Domain) tellFault(ctx context.Context, e *endpoint, err error) {
	class := Classify(err)
	if slices.Contains(harmless, class) || errors.Is(err, ErrClosed) || errors.Is(err, ErrMisuse) || d.life.Err() != nil {
		return
	}
	now := time.Now()
	met := FaultStatus{Class: class, Reason: Reason(err), First: now, Last: now, Count: 1}
	if e != nil && !slices.Contains(ownFaults, class) {
		met.Server = e.address.Address
	}
	if !d.faults.meet(met) {
		return
	}
	d.scope.Faulted(ctx, instrument.Fault{Domain: d.name, Server: met.Server, Class: string(class), Reason: met.Reason})
	d.log.Warn("fault", slog.String("class", string(class)), slog.String("server", met.Server), slog.String("reason", met.Reason))
}
