// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// sidsFor is how long the names behind SIDs are kept in memory.
const sidsFor = 10 * time.Minute

// errTokenGroups marks an account that may not read the token groups of others (MS-ADTS 3.1.1.4.5.19).
var errTokenGroups = fmt.Errorf("%w: the server does not show tokenGroups; put the account into the group Windows Authorization Access Group, or set groups.strategy: in_chain",
	errHidden)

// errHidden marks an answer that lacks what the account may not see.
var errHidden = errors.New("the answer is not the whole")

// tokenGroups reads the SIDs that Active Directory itself goes by, nested groups and the primary one included, and looks
// up the groups behind those that are not known from before.
func (l *groupLoader) tokenGroups(ctx context.Context, person Entry) ([]Group, error) {
	result, err := l.ask.Search(ctx, entryRequest(person.DN, "tokenGroups"))
	if err != nil {
		return nil, fmt.Errorf("reading tokenGroups: %w", err)
	}
	if len(result.Entries) != 1 {
		return nil, fmt.Errorf("reading tokenGroups: %w", ErrNotFound)
	}
	var groups []Group
	var unknown []string
	sids := Entry{result.Entries[0]}.attribute("tokenGroups")
	if sids == nil { // there is always the primary group
		return nil, errTokenGroups
	}
	now := time.Now()
	for _, raw := range sids.ByteValues {
		sid, ok := sidText(raw)
		if !ok {
			return nil, fmt.Errorf("reading tokenGroups: a value is no SID")
		}
		if g, ok := l.domain.identity.sids.get(sid, now); ok {
			groups = append(groups, g)
			continue
		}
		unknown = append(unknown, string(raw))
	}
	found, err := l.resolve(ctx, unknown)
	return append(groups, found...), err
}

// resolve looks up groups by their binary SIDs, many in one search. A SID that no entry has, such as one of another domain,
// is a group without a name.
func (l *groupLoader) resolve(ctx context.Context, raw []string) ([]Group, error) {
	var all []Group
	for chunk := range slices.Chunk(raw, l.cfg.Chunk) {
		terms := make([]filter, len(chunk))
		missing := map[string]bool{}
		for i, sid := range chunk {
			terms[i] = equalBytes("objectSid", []byte(sid))
			text, _ := sidText([]byte(sid))
			missing[text] = true
		}
		// Groups that lie outside of Places count too: Active Directory goes by them.
		everywhere := groupLoader{domain: l.domain, ask: l.ask, cfg: l.cfg}
		everywhere.cfg.Places, everywhere.cfg.Filter = nil, ""
		found, err := everywhere.search(ctx, anyFilter(terms...))
		if err != nil {
			return nil, err
		}
		for _, g := range found {
			if g.SID == "" {
				return nil, fmt.Errorf("%w: the server does not show the objectSid of %s", errHidden, g.DN)
			}
			delete(missing, g.SID)
		}
		for sid := range missing {
			found = append(found, Group{SID: sid})
		}
		now := time.Now()
		for _, g := range found {
			if l.ask == Searcher(l.domain) { // a person may see less
				l.domain.identity.sids.put(g.SID, g, now.Add(sidsFor))
			}
		}
		all = append(all, found...)
	}
	return all, nil
}

// primaryFilter finds the primary group of a person, which no memberOf names; "" where the entry does not say.
func primaryFilter(person Entry) filter {
	sid := person.Bytes("objectSid")
	rid, err := strconv.ParseUint(person.String("primaryGroupID"), 10, 32)
	if _, ok := sidText(sid); !ok || err != nil {
		return ""
	}
	group := slices.Clone(sid)
	binary.LittleEndian.PutUint32(group[len(group)-4:], uint32(rid))
	return equalBytes("objectSid", group)
}
