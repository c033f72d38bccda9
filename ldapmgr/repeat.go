// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// repeatTime bounds a repeated search at the server.
const repeatTime = 10 * time.Second

// ErrNotRepeatable is returned by Repeat for operations that are no questions.
var ErrNotRepeatable = errors.New("only searches, compares and who am I are repeated")

// Repeated is what a question was answered when it was asked once more.
type Repeated struct {
	Names    []string // of the entries of a search
	Matches  bool     // of a compare
	Identity string   // of a who am I (RFC 4532)
}

// Repeat asks a recorded search, compare or who am I once more, with a connection of the domain's pool. A search returns at
// most so many entries and takes at most 10 s at the server. Values must have been recorded as they were. It may be
// called from several goroutines.
func (m *Manager) Repeat(ctx context.Context, op *instrument.Operation, most int) (r Repeated, err error) {
	d, err := m.Domain(op.Domain)
	if err != nil {
		return r, err
	}
	err = d.Do(ctx, func(ctx context.Context, client *instrument.Client) (err error) {
		switch {
		case op.Kind == instrument.KindSearch && op.Search != nil:
			r.Names, err = repeatSearch(ctx, client, op.Search, most)
		case op.Kind == instrument.KindCompare && len(op.Changes) == 1 && len(op.Changes[0].Values) == 1:
			r.Matches, err = client.Compare(ctx, op.DN, op.Changes[0].Attribute, op.Changes[0].Values[0].Text)
		case op.Kind == instrument.KindExtended && op.Extended != nil && op.Extended.OID == wire.OIDWhoAmI:
			r.Identity, err = client.WhoAmI(ctx)
		default:
			err = ErrNotRepeatable
		}
		return err
	})
	return r, err
}

func repeatSearch(ctx context.Context, client *instrument.Client, s *instrument.Search, most int) (names []string, err error) {
	if s.SizeLimit > 0 {
		most = min(most, s.SizeLimit)
	}
	result, err := client.Search(ctx, ldap.NewSearchRequest(s.Base, int(s.Scope), s.Deref, most, int(repeatTime.Seconds()), s.TypesOnly, s.Filter, s.Attributes, nil))
	if result != nil {
		for _, e := range result.Entries {
			names = append(names, e.DN)
		}
	}
	return names, err
}
