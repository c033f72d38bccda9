// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"fmt"
	"sync/atomic"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// gate stands before the socket of one connection: it keeps back what the connection is not for, whichever way it was
// asked for, and knows whether anything left at all.
type gate struct {
	allows func(kind instrument.Kind, oid string) error
	sealed atomic.Bool   // set once the manager has set the connection up
	sent   atomic.Uint64 // requests that left
}

func (g *gate) check(kind instrument.Kind, oid string) error {
	if g.sealed.Load() {
		if err := g.allows(kind, oid); err != nil {
			return err
		}
	}
	if kind != instrument.KindAbandon && kind != instrument.KindUnbind {
		g.sent.Add(1)
	}
	return nil
}

const oidCancel = "1.3.6.1.1.8" // RFC 3909

// changes reports whether a request may change the directory. Of extended operations only these are known not to.
func changes(kind instrument.Kind, oid string) bool {
	return kind.Writes() || kind == instrument.KindExtended && oid != wire.OIDWhoAmI && oid != oidCancel && oid != wire.OIDStartTLS
}

// shared keeps a pooled connection bound as it is, and free of changes where the domain is read-only.
func (d *Domain) shared(readOnly bool) func(instrument.Kind, string) error {
	return func(kind instrument.Kind, oid string) error {
		switch {
		case kind == instrument.KindBind, kind == instrument.KindExtended && oid == wire.OIDStartTLS:
			return fmt.Errorf("%w: it is shared and stays bound as the service account; use BindAs or DoAs", ErrMisuse)
		case readOnly && changes(kind, oid):
			return d.refuseChange()
		}
		return nil
	}
}

// onlyBinds is for connections that check logins: who is bound there is somebody, so that nothing may be read.
func onlyBinds(kind instrument.Kind, _ string) error {
	switch kind {
	case instrument.KindBind, instrument.KindUnbind, instrument.KindAbandon:
		return nil
	}
	return fmt.Errorf("%w: it only checks logins", ErrMisuse)
}

// refuseChange counts a change that was kept back and says how to allow it.
func (d *Domain) refuseChange() error {
	d.blocked.Add(1)
	if d.ReadOnly() {
		return fmt.Errorf("%w: set read_only to false to allow changes", ErrReadOnly)
	}
	return fmt.Errorf("%w: changes have an account of their own, use DoWrite", ErrMisuse)
}
