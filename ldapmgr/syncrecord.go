// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"strings"

	"github.com/ldapscope/ldapscope/instrument"
)

// recordForeseen tells the recorder, as a step of its own, what a sync that only plans would change.
func recordForeseen(ctx context.Context, plans ...Plan) {
	ctx, end := instrument.Step(ctx, "sync.plan")
	defer end()
	recordPlans(ctx, plans...)
}

// recordPlans tells the recorder what plans change, with the step of ctx. It keeps as much of it as its redaction level allows.
func recordPlans(ctx context.Context, plans ...Plan) {
	if instrument.RequestID(ctx) == "" {
		return // nobody listens
	}
	var all []instrument.Difference
	for _, p := range plans {
		all = append(all, p.Differences()...)
	}
	instrument.RecordDiff(ctx, all...)
}

// Differences lists what the plan changes, one by one, with the values.
func (p Plan) Differences() (all []instrument.Difference) {
	add := func(one instrument.Difference) {
		one.Of = p.Name
		all = append(all, one)
	}
	account := func(is bool, how instrument.DiffKind, what string, to *string) {
		if is {
			add(instrument.Difference{How: how, What: "account", Name: what, To: to})
		}
	}
	account(p.Create, instrument.DiffAdded, "created", nil)
	account(p.Link, instrument.DiffAdded, "linked", nil)
	account(p.Moved && !p.Create, instrument.DiffChanged, "moved", &p.DN)
	account(p.Return, instrument.DiffAdded, "active again", nil)
	account(p.Leave, instrument.DiffRemoved, "deactivated", nil)
	for _, c := range p.Fields {
		how := instrument.DiffChanged
		switch {
		case c.From == nil:
			how = instrument.DiffAdded
		case c.To == nil:
			how = instrument.DiffRemoved
		}
		add(instrument.Difference{How: how, What: "field", Name: c.Name, From: c.From, To: c.To})
	}
	for _, c := range p.Flags {
		add(instrument.Difference{How: map[bool]instrument.DiffKind{true: instrument.DiffAdded, false: instrument.DiffRemoved}[c.To], What: "flag", Name: c.Name})
	}
	for i := range p.Join {
		add(instrument.Difference{How: instrument.DiffAdded, What: "group", To: &p.Join[i]})
	}
	for i := range p.Quit {
		add(instrument.Difference{How: instrument.DiffRemoved, What: "group", From: &p.Quit[i]})
	}
	for _, h := range p.Held {
		add(heldDifference(h))
	}
	return all
}

// heldDifference reads what is held: a group's name is a value, the others are names of the configuration.
func heldDifference(h Held) instrument.Difference {
	what, name, _ := strings.Cut(h.What, " ")
	kept := instrument.Difference{How: instrument.DiffHeld, What: what, Name: name, Reason: h.Reason}
	if what == "group" {
		kept.Name, kept.From = "", &name
	}
	return kept
}
