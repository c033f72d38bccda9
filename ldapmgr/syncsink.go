// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Stored is a local account as a Sink keeps it.
type Stored struct {
	ID        string // of the local account
	Name      string // of the local account; given once, it does not follow renames in the directory
	Domain    string // "" for an account that is linked to no directory
	Key       string // User.Key
	DN        string // as of the last sync
	Fields    map[string]string
	Flags     map[string]bool
	Groups    []string // names of the local groups that the account is in
	LastSync  time.Time
	LastError string
	Left      time.Time // when a sync deactivated the account because its person was gone; zero otherwise
}

// Sink keeps local users and groups. Methods must be safe for concurrent use. Package usersql has one for database/sql.
type Sink interface {
	// Stored returns the accounts of people of a domain by their keys, with all that Stored has, in one read. Keys without
	// an account are left out.
	Stored(ctx context.Context, domain string, keys []string) (map[string]Stored, error)
	// Named returns the local account whose field has a value, without regard to case; field "" is the account's name.
	Named(ctx context.Context, field, value string) (account Stored, found bool, err error)
	// Apply carries plans out in one transaction: all or nothing. Groups that do not exist are created. Before it commits it
	// calls commit with a context that leads to the transaction, and takes everything back when that fails. It returns the
	// ids of the accounts, one for each plan.
	Apply(ctx context.Context, plans []Plan, commit func(ctx context.Context) error) (ids []string, err error)
	// Failed notes why the sync of an account did not succeed. Nothing else of the account changes.
	Failed(ctx context.Context, domain, key, reason string) error
}

// Roster is a Sink that can be synced as a whole.
type Roster interface {
	Sink
	// Each yields the accounts of a domain, in any order.
	Each(ctx context.Context, domain string) iter.Seq2[Stored, error]
	// LastRun returns what SaveRun kept last for a domain, and the zero Run when there is nothing.
	LastRun(ctx context.Context, domain string) (Run, error)
	// SaveRun need not keep a run that began before the one that is kept: another process was faster.
	SaveRun(ctx context.Context, domain string, run Run) error
}

// Run is what one sync of everybody leaves for the next, so that the brake can compare.
type Run struct {
	At     time.Time            `json:"at"`
	People int                  `json:"people"`           // found, by the last run whose count was accepted
	Wanted map[string]time.Time `json:"wanted,omitempty"` // removals that the last run wanted, with when one did first
	// Markers is how far the directory had come, by where changes come from: contextCSN, or invocationId with the USN.
	Markers map[string]string `json:"markers,omitempty"`
}

// PermissionSource tells what members of local groups may do. usersql's sink is one.
type PermissionSource interface {
	Permissions(ctx context.Context, groups []string) ([]string, error)
}

// ErrNameTaken marks a new user whose local name belongs to another account. Sync.Existing and Sync.LocalName decide.
var ErrNameTaken = errors.New("the local name belongs to another account")

// ErrNoAccount marks a person without a local account where Sync.NewUsers is off.
var ErrNoAccount = errors.New("there is no local account, and none is created")

// ErrHeld marks, in an Event, a sync whose removals the brake kept back. All else was done.
var ErrHeld = errors.New("removals were kept back")

// ErrVetoed marks a sync that a BeforeCommit hook refused. Nothing was kept.
var ErrVetoed = errors.New("a hook refused the sync")

// Hooks are called by a Syncer. All of them may be nil, and are called from several goroutines.
type Hooks struct {
	// BeforeCommit sees the plan after it was written and before it is final; an error takes all of it back. ctx leads to the
	// transaction, so that the application may write in it too.
	BeforeCommit func(ctx context.Context, plan Plan) error
	// AfterCommit sees what was done. Its panic is caught and logged.
	AfterCommit func(ctx context.Context, plan Plan)
	// LocalName names the account of a new user, in the place of Sync.LocalName.
	LocalName func(user *User) string
}
