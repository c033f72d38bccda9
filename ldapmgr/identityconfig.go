// SPDX-License-Identifier: MIT

package ldapmgr

import "time"

// Login says how people log in.
type Login struct {
	Attributes []string // where a login name is looked up; default sAMAccountName and userPrincipalName in Active Directory, else uid
	// Filter looks a login name up in the place of Attributes: (|(mail={name})(uid={account})). {name} is the name as typed, but
	// for DOMAIN\ before it, and {account} the name without any domain; both are escaped.
	Filter string
	// Names are bind names made of the login name, so that nothing is looked up before the bind; tried in order:
	// uid={name},ou=people,dc=example,dc=org, or {name}@example.org, or EXAMPLE\{name}. Default none: search, then bind.
	Names          []string
	AsUser         *bool  // read the entry and the groups as the person who logs in, on a connection of its own; default false
	RefreshDN      *bool  // look the entry up after a bind with one of Names, even if that looks like a DN; default false
	EmptyPassword  *bool  // send empty passwords too, and believe the answer only if the server then says who is bound; default false
	PasswordPolicy *bool  // ask for the password policy's reasons; default true
	Require        string // group query: who does not match may not log in; default everybody may
	Deny           string // group query: who matches may not log in; default nobody
	Limit          Limit  // how many wrong passwords are passed on
}

// Limit bounds failed logins. Counters live in memory, for each process.
type Limit struct {
	PerUser      int           // failures of one account within Window; -1 for no limit; default 10
	PerAddress   int           // failures from one address within Window; -1 for no limit; default 50
	Window       time.Duration // default 15 min
	BadPasswords int           // do not bind once Active Directory counts so many wrong passwords, to stay below its lock-out; default off
}

// Place is one part of the tree to search. Several places together are a union.
type Place struct {
	Base   string // default the domain's base
	Scope  string // one, sub or base; default sub
	Filter string // further filter for this place; default none
}

// Users says which entries are people and what is kept of them.
type Users struct {
	Places     []Place          // where people are; default everywhere below the domain's base
	BestEffort *bool            // go on when one of several Places fails; nothing is then removed locally; default false
	Filter     string           // which entries are people; default by the kind of server
	Account    string           // attribute with the account's name; default sAMAccountName in Active Directory, else uid
	Key        string           // attribute that never changes; default objectGUID, nsUniqueId or entryUUID
	Attributes []string         // loaded besides those of Fields; * and + as in a search; default none
	Fields     map[string]Field // local fields by name
	CacheFor   time.Duration    // how long entries that were found are kept in memory; default 0, not at all
	MissFor    time.Duration    // the same for names that no entry has; failures are never kept; default 0
}

// The ways to make a field of an attribute's values.
const (
	TransformFirst = "first" // the first value; the default
	TransformJoin  = "join"  // all values with ", " between
	TransformList  = "list"  // all values as a JSON array
	TransformLower = "lower"
	TransformUpper = "upper"
	TransformInt   = "int"
	TransformBool  = "bool" // true or false
	TransformTime  = "time" // RFC 3339, in UTC
	TransformGUID  = "guid"
	TransformSID   = "sid"
)

// Field says where a local field comes from.
type Field struct {
	Attribute string // of the entry; this or Template is required
	Template  string // text with attributes in braces: {givenName} {sn}
	Transform string // default first
	Default   string // when the entry has no value; default none: the field is cleared
	Required  bool   // without a value the user is not synced
	Keep      bool   // without a value the field stays as it is; default it is cleared
}

// The ways to find the groups of a person.
const (
	GroupsAuto         = "auto"
	GroupsNone         = "none"
	GroupsToken        = "token_groups"        // Active Directory: security groups, nested, with the primary one
	GroupsInChain      = "in_chain"            // Active Directory: all groups, nested, with the primary one
	GroupsMemberOf     = "member_of"           // the person's own memberOf; filters of groups are not asked
	GroupsMember       = "member"              // groupOfNames, or what else has the attribute Member
	GroupsUniqueMember = "unique_member"       // groupOfUniqueNames
	GroupsRole         = "organizational_role" // roleOccupant
	GroupsPosix        = "posix"               // memberUid and gidNumber
)

// Groups says how the groups of a person are found.
type Groups struct {
	// Strategy is one of the constants above. Default auto: token_groups where the server is an Active Directory, elsewhere one
	// search for member, uniqueMember and, for people with a gidNumber, memberUid and gidNumber.
	Strategy   string
	Own        GroupStrategy // the application's own kind of groups, in the place of Strategy
	Places     []Place       // where groups are; default everywhere below the domain's base
	BestEffort *bool         // go on when one of several Places fails; nothing is then removed locally; default false
	Filter     string        // which entries are groups; default by the strategy
	Member     string        // attribute with the members' DNs, for member; default member
	Name       string        // attribute with the group's name; default cn
	Nested     *bool         // also groups of groups, where the strategy does not say; default false
	Depth      int           // how deep groups of groups are followed; default 10
	Chunk      int           // DNs or SIDs in one filter; default 50
	CacheFor   time.Duration // how long the groups of a person are kept in memory; default 0, not at all
}

// What happens to an existing local account that no directory entry is linked to and that has the name of a new user.
const (
	ExistingRefuse = "refuse"
	ExistingLink   = "link"
)

// What happens to local users who are not in the directory any more.
const (
	LeaversKeep       = "keep"
	LeaversDeactivate = "deactivate"
)

// What a web application does for a user whose sync fails.
const (
	OnErrorDeny      = "deny"
	OnErrorStale     = "serve_stale"
	OnErrorDenyAfter = "deny_after"
)

// ActiveFlag is the flag that deactivation clears.
const ActiveFlag = "active"

// Sync says how local users follow the directory. Nothing here is on by default that gives or takes a right.
type Sync struct {
	LocalName  string // name of the local account: {account}, {domain} or both; default {account}, and {account}@{domain} if that is taken
	QueryField string // local field by which an existing account is found; default its name
	Existing   string // refuse or link an existing account; default refuse
	NewUsers   *bool  // create local accounts; default true
	Update     *bool  // update fields and flags at each login too, not only in new accounts and in syncs; default true

	Flags            map[string]string   // by name of the flag, a group query; "" leaves the flag alone
	Implies          map[string][]string // who has one flag has these too: superuser: [staff]
	Groups           map[string]string   // by name of the local group, a group query; "" means never a member
	Mirror           Mirror
	GroupPermissions *bool // people may do what local groups with the names of their groups may, without being in them; default false
	AuthorizeAll     *bool // so may people who did not log in through the directory; default false

	Leavers string // keep or deactivate; default keep
	Brake   Brake
	Every   time.Duration // how often Syncer.Run syncs everybody, with 10 % jitter; default never

	Resync      *bool          // sync again while a user works; default true
	ResyncAfter *time.Duration // age at which a user is synced again; 0 is every request; default 24 h
	OnError     string         // deny, serve_stale or deny_after; default deny_after
	MaxStale    time.Duration  // age after which deny_after denies; default 7 days
}

// Mirror makes local groups of the directory's. Names are compared without regard to case; * and ? are wildcards.
type Mirror struct {
	On     *bool    // default false
	Only   []string // groups that are mirrored, the others are left alone; default all
	Except []string // groups that are left alone; contradicts Only
	Prefix string   // put before the names of local groups; those without it are left alone; default none
}

// Brake bounds what one sync of everybody may take away: people, flags, memberships and fields, each counted apart.
type Brake struct {
	Sentinels []string      // DNs of entries that must be visible; default the service account's own
	MinShare  float64       // of the people of the last sync that must be there again; default 0.8
	Removals  int           // removals that are always few enough; default 10
	Share     float64       // of all there is that may be removed, if that is more than Removals; default 0.05
	AgreeOver float64       // share above which two syncs must agree; default 0.01
	AgreeGap  time.Duration // least time between these two; default 10 min
	Confirms  int           // people who left that are looked up one by one; the others wait for the next sync; default 100
}
