// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// RootDSE is what a server says about itself (RFC 4512 section 5.1). It is read once per domain.
type RootDSE struct {
	Vendor               string // "Active Directory", "OpenLDAP", "389 Directory Server", or as the server says
	Version              string
	ActiveDirectory      bool // it is one or, as Samba, behaves like one
	NamingContexts       []string
	DefaultNamingContext string // the default or, where the server names none, the only or first naming context
	SubschemaSubentry    string
	Controls             []string // OIDs
	Extensions           []string
	Mechanisms           []string // SASL
	ServerName           string   // DNS name of the server that answered; "" where it does not say
}

// SupportsControl reports whether the server knows a control.
func (r *RootDSE) SupportsControl(oid string) bool { return slices.Contains(r.Controls, oid) }

// SupportsExtension reports whether the server knows an extended operation.
func (r *RootDSE) SupportsExtension(oid string) bool { return slices.Contains(r.Extensions, oid) }

// The vendors whose servers are treated apart, as RootDSE.Vendor names them.
const (
	vendorAD  = "Active Directory"
	vendor389 = "389 Directory Server"
)

var rootAttributes = []string{
	"objectClass", "namingContexts", "defaultNamingContext", "subschemaSubentry", "supportedControl", "supportedExtension",
	"supportedSASLMechanisms", "vendorName", "vendorVersion", "dnsHostName", "forestFunctionality", "rootDomainNamingContext",
}

// RootDSE returns what the server says about itself, and asks it when no connection was made yet.
func (d *Domain) RootDSE(ctx context.Context) (*RootDSE, error) {
	if root := d.root.Load(); root != nil {
		return root, nil
	}
	err := d.call(ctx, call{op: "rootDSE", pool: d.service, reads: true}, func(ctx context.Context, client *instrument.Client) error {
		if d.root.Load() != nil {
			return nil // read when the connection was made
		}
		root, err := readRoot(ctx, client)
		if err == nil {
			d.root.Store(root)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return d.root.Load(), nil
}

// learn asks once what kind of server this is. Servers may hide it.
func (d *Domain) learn(ctx context.Context) error {
	if d.root.Load() != nil || d.rootAsked.Load() {
		return nil
	}
	_, err := d.RootDSE(ctx)
	_, answered := instrument.ResultCode(err)
	if err != nil && !answered && !errors.Is(err, ErrNotFound) {
		return err
	}
	d.rootAsked.Store(true)
	return nil
}

// readRootDSE reads the rootDSE on a new connection, unless it is known. Servers may hide it; that is no failure.
func (d *Domain) readRootDSE(ctx context.Context, client *instrument.Client) {
	if d.root.Load() != nil || !d.readingRoot.CompareAndSwap(false, true) {
		return
	}
	defer d.readingRoot.Store(false)
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeouts.Bind)
	defer cancel()
	root, err := readRoot(ctx, client)
	if err != nil {
		d.log.Debug("the rootDSE cannot be read", slog.String("reason", Reason(err)))
		return
	}
	d.root.Store(root)
}

func readRoot(ctx context.Context, client *instrument.Client) (*RootDSE, error) {
	result, err := client.Search(ctx, entryRequest("", rootAttributes...))
	if err != nil {
		return nil, err
	}
	if len(result.Entries) != 1 {
		return nil, fmt.Errorf("%w: the server hides its rootDSE", ErrNotFound)
	}
	return parseRoot(Entry{result.Entries[0]}), nil
}

func parseRoot(e Entry) *RootDSE {
	r := &RootDSE{
		Vendor: e.String("vendorName"), Version: e.String("vendorVersion"), NamingContexts: e.Strings("namingContexts"),
		DefaultNamingContext: e.String("defaultNamingContext"), SubschemaSubentry: e.String("subschemaSubentry"),
		Controls: e.Strings("supportedControl"), Extensions: e.Strings("supportedExtension"),
		Mechanisms: e.Strings("supportedSASLMechanisms"), ServerName: e.String("dnsHostName"),
	}
	r.ActiveDirectory = e.Has("forestFunctionality") || e.Has("rootDomainNamingContext")
	classes := e.Strings("objectClass")
	switch {
	case r.Vendor != "" && strings.Contains(r.Vendor, "389"):
		r.Vendor = vendor389
	case r.Vendor != "":
	case r.ActiveDirectory:
		r.Vendor = vendorAD
	case slices.ContainsFunc(classes, func(c string) bool { return strings.EqualFold(c, "OpenLDAProotDSE") }):
		r.Vendor = "OpenLDAP"
	}
	if r.DefaultNamingContext == "" && len(r.NamingContexts) > 0 {
		r.DefaultNamingContext = r.NamingContexts[0]
	}
	return r
}
