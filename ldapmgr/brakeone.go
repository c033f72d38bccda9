// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"fmt"

	"github.com/ldapscope/ldapscope/instrument"
)

// brakeOne looks twice at a plan that takes everything from a user: an account that may not read groups any more, or not
// the attributes, sees a person without any.
func (d *Domain) brakeOne(ctx context.Context, p Plan, stored Stored) (Plan, error) {
	if p.Create {
		return p, nil // who is new has nothing to lose, and must not get what the groups do not give
	}
	if p.User.Groups.Len() == 0 && p.takesRights() && d.cfg.Groups.Own == nil {
		visible, err := d.groupsVisible(ctx)
		if err != nil {
			return p, fmt.Errorf("making sure that groups can be read: %w", err)
		}
		if !visible {
			p = p.holdRights("the service account sees no group with members at all")
		}
	}
	cleared := 0
	for _, c := range p.Fields {
		if c.To == nil {
			cleared++
		}
	}
	if cleared > 1 && cleared == len(stored.Fields) {
		p = p.holdFields("the service account sees none of the person's attributes")
	}
	return p, nil
}

// takesRights reports whether the plan removes a flag or a group.
func (p Plan) takesRights() bool {
	for _, c := range p.Flags {
		if !c.To {
			return true
		}
	}
	return len(p.Quit) > 0
}

// holdRights moves the removals of flags and groups to what is held.
func (p Plan) holdRights(reason string) Plan {
	var kept []FlagChange
	for _, c := range p.Flags {
		if c.To {
			kept = append(kept, c)
			continue
		}
		p.Held = append(p.Held, Held{"flag " + c.Name, reason})
	}
	for _, g := range p.Quit {
		p.Held = append(p.Held, Held{"group " + g, reason})
	}
	p.Flags, p.Quit = kept, nil
	return p
}

func (p Plan) holdFields(reason string) Plan {
	var kept []FieldChange
	for _, c := range p.Fields {
		if c.To != nil {
			kept = append(kept, c)
			continue
		}
		p.Held = append(p.Held, Held{"field " + c.Name, reason})
	}
	p.Fields = kept
	return p
}

// groupsVisible reports whether the service account sees any group with a member, where groups are looked for.
func (d *Domain) groupsVisible(ctx context.Context) (bool, error) {
	ctx, end := instrument.Step(ctx, "sync.brake")
	defer end()
	if s := d.strategy(); s == GroupsNone {
		return true, nil
	}
	members := filter("(|(member=*)(uniqueMember=*)(memberUid=*)(roleOccupant=*))")
	if d.isAD() {
		members = "(member=*)"
	} else if m := d.cfg.Groups.Member; m != "" {
		members = anyFilter(members, filter("("+m+"=*)"))
	}
	u := union{domain: d, ask: d, places: d.cfg.Groups.Places, limit: 1, failed: func(error) {}}
	entries, err := u.search(ctx, allFilters(configured(d.cfg.Groups.Filter), members), []string{"1.1"})
	return len(entries) > 0, err
}
