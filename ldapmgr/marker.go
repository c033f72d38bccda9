// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
)

// ErrStale marks a sync that was refused because the server has not got changes that an earlier sync has read.
var ErrStale = errors.New("the server is behind what was read before")

// marker is how far a server has come: the last change from each source of them. On OpenLDAP these are contextCSN, one from
// each server that takes changes, and all replicas can be compared (RFC 4533). Active Directory counts for each server apart
// (invocationId, highestCommittedUSN), so that one can be compared with nothing but itself.
type marker map[string]string

const (
	fromCSN = "csn:"
	fromUSN = "usn:"
)

// behind returns the source from which m lacks changes that were seen, or "". Numbers and CSNs are both ordered by length,
// then by text.
func (m marker) behind(seen marker) string {
	for _, source := range slices.Sorted(maps.Keys(seen)) {
		at, has := m[source]
		if !has && strings.HasPrefix(source, fromUSN) {
			continue // another server of Active Directory
		}
		if cmp.Or(cmp.Compare(len(at), len(seen[source])), strings.Compare(at, seen[source])) < 0 {
			return source
		}
	}
	return ""
}

// with returns what both have seen together: of each source the newer.
func (m marker) with(other marker) marker {
	both := marker{}
	maps.Copy(both, other)
	for source, at := range m {
		if (marker{source: at}).behind(marker{source: both[source]}) == "" {
			both[source] = at
		}
	}
	return both
}

// readMarker asks a server how far it has come. It is empty where the server does not say.
func (d *Domain) readMarker(ctx context.Context, client *instrument.Client) (marker, error) {
	root := d.root.Load()
	if root == nil {
		return nil, nil
	}
	if root.ActiveDirectory {
		return readUSN(ctx, client)
	}
	suffix := root.DefaultNamingContext
	for _, c := range root.NamingContexts {
		if base := fold(d.Base()); base == fold(c) || strings.HasSuffix(base, ","+fold(c)) {
			suffix = c
		}
	}
	e, err := readOperational(ctx, client, suffix, "contextCSN")
	m := marker{}
	for _, csn := range e.Strings("contextCSN") { // 20260102030405.000006Z#000000#001#000000, the third being the source
		if parts := strings.Split(csn, "#"); len(parts) == 4 {
			m[fromCSN+parts[2]] = csn
		}
	}
	return m, err
}

func readUSN(ctx context.Context, client *instrument.Client) (marker, error) {
	e, err := readOperational(ctx, client, "", "highestCommittedUSN", "dsServiceName")
	settings := e.String("dsServiceName")
	if err != nil || settings == "" || !e.Has("highestCommittedUSN") {
		return nil, err
	}
	identity := fold(settings) // where the account may not read more; it stays the same when the server is restored
	if s, err := readOperational(ctx, client, settings, "invocationId"); err != nil {
		return nil, err
	} else if id := s.Bytes("invocationId"); len(id) > 0 {
		identity = fmt.Sprintf("%x", id)
	}
	return marker{fromUSN + identity: e.String("highestCommittedUSN")}, nil
}

// readOperational reads one entry; it is empty where the account may not see it.
func readOperational(ctx context.Context, client *instrument.Client, dn string, attributes ...string) (Entry, error) {
	result, err := client.Search(ctx, entryRequest(dn, attributes...))
	if answeredWith(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInsufficientAccessRights) {
		err = nil
	}
	if err != nil || result == nil || len(result.Entries) != 1 {
		return Entry{&ldap.Entry{}}, err
	}
	return Entry{result.Entries[0]}, nil
}

// recent makes sure that a server is not behind what earlier syncs have read, and returns how far it has come.
func (a *allSync) recent(ctx context.Context, client *instrument.Client, previous Run) (marker, error) {
	d := a.domain
	has, err := d.readMarker(ctx, client)
	if err != nil {
		return nil, err
	}
	if a.options.AcceptOlder {
		return has, nil
	}
	seen := marker(previous.Markers)
	source := has.behind(seen)
	switch {
	case source != "":
		err := fmt.Errorf("%w: %s has changes up to %q, and up to %q was read before (%s): let it catch up, or list a server first that has; "+
			"AcceptOlder takes over what it has, as after a restore", ErrStale, client.Server(), has[source], seen[source], source)
		d.tellFault(ctx, d.fleet.at(client.Server()), err)
		return nil, err
	case len(has) == 0:
		d.unmarked.Do(func() {
			d.log.Info("the servers do not say how recent they are, so that a sync does not notice a replica that is behind", slog.String("server", client.Server()))
		})
	}
	return has.with(seen), nil
}
