// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"testing"
	"time"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// seedRows are the settings, types and pieces of machinery of the two seeds.
var seedRows = []row{
	// A1: global settings of django-windowsauth; what a request meets is in webRows
	{name: "A1/WAUTH_DOMAINS", as: "D4/test_default_settings", elsewhere: []string{"cmd/ldapscope.TestScripts"}},
	{name: "A1/WAUTH_LOWERCASE_USERNAME", key: "Sync.LocalName", as: "D1/test_new_user_lowercase"},
	{name: "A1/WAUTH_IGNORE_SETTING_WARNINGS", test: TestUnknownDomains, elsewhere: []string{"cmd/ldapscope.TestConfigCheckCountsStoredUsers"}},
	{name: "A1/WAUTH_PRELOAD_DOMAINS", test: TestPreload},
	// A3: settings of a domain that are not about its connections
	{name: "A3/SEARCH_BASE", key: "Users.Places", as: "D2/test_union_search"},
	{name: "A3/READ_ONLY", key: "ReadOnly", test: TestReadOnly},
	{name: "A3/COLLECT_METRICS", as: "D16/counters_survive_reconnect", why: "counting cannot be turned off: it costs nothing that can be measured"},
	{name: "A3/PRELOAD_DEFINITIONS", test: TestSchemaAhead},
	{name: "A3/USER_FIELD_MAP", key: "Users.Fields", test: TestFields},
	{name: "A3/USER_QUERY_FIELD", key: "Sync.QueryField", as: "D3/test_get_custom_field"},
	{name: "A3/USER_QUERY_FILTER", key: "Users.Filter", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Users.Filter = "(gidNumber=50)"; ungrouped(c) })
		s.refused("alice", "password", ldapmgr.OutcomeNoSuchUser)
		s.login("bob")
		s.wantAccounts("bob")
	}},
	{name: "A3/GROUP_ATTRS", key: "Groups.Name", test: TestGroupReferences},
	{name: "A3/SUPERUSER_GROUPS", key: "Sync.Flags", as: "D10/test_dn_group_membership"},
	{name: "A3/STAFF_GROUPS", key: "Sync.Flags", as: "D10/test_posix_membership"},
	{name: "A3/ACTIVE_GROUPS", key: "Sync.Flags", as: "D16/default_settings_never_deactivate"},
	{name: "A3/PROPAGATE_GROUPS", key: "Sync.Implies", as: "A14/test_flag_propagation"},
	{name: "A3/GROUP_MAP", key: "Sync.Groups", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) {
			c.Sync.Groups = map[string]string{"any": "staff_gon or empty_gon", "none": "empty_gon", "never": ""}
		})
		s.login("alice")
		s.wantGroups("alice", "any")
		s.inGroups("alice", "none", "never", "unlisted")
		s.login("alice")
		s.wantGroups("alice", "any", "unlisted")
	}},
	{name: "A3/FLAG_MAP", key: "Sync.Flags", run: func(t *testing.T, p site) {
		s := p.stage(t, func(c *ldapmgr.DomainConfig) { c.Sync.Flags = map[string]string{"staff": "staff_gon", "superuser": ""} })
		s.login("bob")
		s.setFlag("bob", "superuser", true)
		s.login("bob")
		wantFlags(t, s.account("bob"), true, false, true) // nobody said anything about the flag that was set by hand
	}},
	// A8: the user and its methods
	{name: "A8/fields", run: func(t *testing.T, p site) {
		s := p.stage(t, nil)
		before := time.Now().Add(-time.Second)
		s.login("alice")
		a := s.account("alice")
		if a.Domain != "example" || a.Key == "" || a.DN != "uid=alice,ou=people,o=test" || a.LastSync.Before(before) || a.LastError != "" {
			t.Errorf("account %+v", a)
		}
	}},
	{name: "A8/text form", test: TestLoginNames, why: "a user has no one text: the local name is Sync.LocalName, and every form of a login name is read"},
	{name: "A8/LDAPUser.objects.create_user(name)", as: "D7/test_create_without_auth"},
	{name: "A8/get_ldap_manager()", test: TestNames},
	{name: "A8/get_ldap_user(attributes=None)", key: "Users.CacheFor", run: exactlyOne},
	{name: "A8/get_ldap_attr(name, as_list=False)", as: "D7/test_cidict"},
	{name: "A8/get_ldap_groups(attributes=None, preload=True)", key: "Groups.Strategy", test: TestGroupsOfActiveDirectory, elsewhere: []string{"ldapmgr/ldaptest/samba.TestAcceptance"}},
	{name: "A8/sync()", as: "D7/test_populate_without_auth"},
	{name: "A8/username in filter", as: "D16/username_is_no_filter"},
	// A9: the sync
	{name: "A9/group match", as: "D16/exact_group_match"},
	{name: "A9/errors in group search", as: "D16/failed_group_search_changes_nothing"},
	{name: "A9/atomicity", as: "D7/test_populate_user_with_buggy_setter_raises_exception", elsewhere: []string{"ldapmgr/usersql.TestApplyIsAllOrNothing"}},
	{name: "A9/cost", run: func(t *testing.T, p site) {
		s := p.stage(t, mapping)
		key := s.login("alice").Account.Key
		s.wantSpent(2, 1, func() {
			if done, err := s.syncer.Resync(t.Context(), "", key); err != nil || done.Plan.Changed() {
				t.Errorf("sync: %v, %v", done, err)
			}
		})
	}},
	{name: "A9/concurrency", alone: oneSyncAtATime},
	{name: "A9/state at HEAD", as: "D7/test_populate_without_auth"},
	{name: "A9/resync check, DB mode", as: "D16/delta_0"},
	{name: "A9/resync check, cache mode", as: "A1/WAUTH_USE_CACHE"},
	// A12 to A14: signals, tasks, how-tos
	{name: "A12/ldap_user_sync", as: "D7/test_signal_populate_user"},
	{name: "A12/logger", test: TestEventHandlerPanics},
	{name: "A12/execution timer", test: TestSyncSteps},
	{name: "A12/start-up", test: TestWarnings, elsewhere: []string{"cmd/ldapscope.TestConfigCheckCountsStoredUsers"}},
	{name: "A12/exit", test: TestClose, elsewhere: []string{"cmd/ldapscope.TestEnding"}},
	{
		name: "A13/createtask", test: TestRunWithoutEvery, elsewhere: []string{"cmd/ldapscope.TestServeSyncs", "cmd/ldapscope.TestAskScripts"},
		why: "tasks of the operating system, written as XML for Windows or as units for systemd, start manage.py again and again; here one process does it in time (sync.every), and any scheduler can run ldapscope sync",
	},
	{name: "A13/predefined tasks", key: "Sync.Every", test: TestRunSyncsInTime},
	{name: "A14/migration how-to", test: TestLink, elsewhere: []string{"cmd/ldapscope.TestAskScripts"}},
	// B1: settings of django-auth-ldap
	{name: "B1/SERVER_URI", key: "Dial", as: "D4/test_callable_server_uri"},
	{name: "B1/BIND_DN / BIND_PASSWORD", key: "Bind", as: "D2/test_search_bind_with_credentials"},
	{name: "B1/USER_SEARCH", key: "Login.Attributes", as: "D2/test_search_bind"},
	{name: "B1/USER_DN_TEMPLATE", key: "Login.Names", as: "D1/test_simple_bind"},
	{name: "B1/BIND_AS_AUTHENTICATING_USER", key: "Login.AsUser", as: "D4/test_bind_as_user"},
	{name: "B1/REFRESH_DN_ON_BIND", key: "Login.RefreshDN", as: "D4/test_bind_as_user_with_dn_refetch"},
	{name: "B1/PERMIT_EMPTY_PASSWORD", key: "Login.EmptyPassword", test: TestEmptyPasswordIsNobody},
	{name: "B1/START_TLS", key: "StartTLS", as: "D4/test_start_tls"},
	{name: "B1/CONNECTION_OPTIONS", key: "Timeouts", as: "D16/silent_server_returns_within_the_deadline", why: "there are no options of libldap; what they bound has typed settings with defaults"},
	{name: "B1/GLOBAL_OPTIONS", key: "TLS", as: "D16/untrusted_certificate_is_refused", why: "nothing is set for all of a process; TLS belongs to a domain"},
	{name: "B1/USER_ATTRLIST", key: "Users.Attributes", as: "D2/test_search_attrlist"},
	{name: "B1/USER_ATTR_MAP", key: "Users.Fields", as: "D7/test_populate_user"},
	{name: "B1/USER_FLAGS_BY_GROUP", key: "Sync.Flags", as: "D10/test_user_flags_misconfigured"},
	{name: "B1/USER_QUERY_FIELD", key: "Sync.QueryField", as: "D3/test_get_custom_field"},
	{name: "B1/ALWAYS_UPDATE_USER", key: "Sync.Update", as: "D7/test_no_update_existing"},
	{name: "B1/NO_NEW_USERS", key: "Sync.NewUsers", as: "D3/test_no_new_users"},
	{name: "B1/GROUP_SEARCH", key: "Groups.Places", as: "D9/test_group_union"},
	{name: "B1/GROUP_TYPE", key: "Groups.Strategy", test: TestGroupStrategies},
	{name: "B1/REQUIRE_GROUP", key: "Login.Require", as: "D9/test_require_group"},
	{name: "B1/DENY_GROUP", key: "Login.Deny", as: "D9/test_denied_group"},
	{name: "B1/FIND_GROUP_PERMS", key: "Sync.GroupPermissions", as: "D11/test_dn_group_permissions"},
	{name: "B1/AUTHORIZE_ALL_USERS", key: "Sync.AuthorizeAll", as: "D11/test_authorize_external_users"},
	{name: "B1/MIRROR_GROUPS", key: "Sync.Mirror.Only", as: "D12/test_group_mirroring_whitelist_update"},
	{name: "B1/MIRROR_GROUPS_EXCEPT", key: "Sync.Mirror.Except", as: "D12/test_group_mirroring_blacklist_update"},
	{name: "B1/CACHE_TIMEOUT", key: "Groups.CacheFor", test: TestCachesExpire},
	{name: "B1/(removed) CACHE_GROUPS, GROUP_CACHE_TIMEOUT", key: "Groups.CacheFor", as: "D13/test_group_cache", why: "gone from django-auth-ldap itself, and nothing imports its settings"},
	// B2 to B6: searches, groups, the login and what follows it
	{name: "B2/LDAPSearch(base, scope, filter=any object, attrlist)", key: "Login.Filter", test: TestLoginFilter},
	{name: "B2/refine", key: "Users.Filter", as: "A3/USER_QUERY_FILTER", why: "searches are no objects: filters of the domain, of a place and of a login are put together"},
	{name: "B2/result cleaning", as: "D2/test_null_search_results"},
	{name: "B2/LDAPSearchUnion(...)", key: "Groups.BestEffort", test: TestBestEffort},
	{name: "B2/no paging", test: TestRangesOfMembers, elsewhere: []string{"ldapmgr/ldaptest/samba.TestPages"}},
	{name: "B3/LDAPGroupType (base)", key: "Groups.Own", as: "D12/test_group_mirroring_custom_grouptype"},
	{name: "B3/PosixGroupType", as: "D10/test_posix_missing_attributes"},
	{name: "B3/MemberDNGroupType(attr)", key: "Groups.Member", test: TestGroupStrategies},
	{name: "B3/NestedMemberDNGroupType(attr)", key: "Groups.Nested", test: TestDepthAndChunks},
	{name: "B3/GroupOfNames / Nested", as: "D10/test_nested_dn_group_membership"},
	{name: "B3/GroupOfUniqueNames / Nested", test: TestGroupStrategies},
	{name: "B3/ActiveDirectory / Nested", test: TestOperationBudgetAD, elsewhere: []string{"ldapmgr/ldaptest/samba.TestGroupsOfAPerson"}},
	{name: "B3/OrganizationalRole / Nested", test: TestGroupStrategies},
	{name: "B3/(removed) NISGroupType", as: "D12/test_group_mirroring_custom_grouptype", why: "gone from django-auth-ldap itself; groups of one's own kind are Groups.Own"},
	{name: "B4/build", test: TestParseGroupQuery},
	{name: "B4/tree", test: TestParseGroupQueryErrors},
	{name: "B4/evaluation", test: TestExplain},
	{name: "B4/missing group DN", as: "D9/test_require_group_with_nonexistent_group"},
	{name: "B4/use", as: "A11/domain_required", elsewhere: []string{"ldapmgr/webauth.TestRequirements"}},
	{name: "B5/failure (own type)", test: TestOutcomesOfActiveDirectory},
	{name: "B5/LDAP error", key: "Event", as: "D8/test_search_for_user_dn_error"},
	{name: "B5/other exception", as: "D7/test_authenticate_with_buggy_setter_raises_exception"},
	{name: "B5/LDAP ops measured", run: func(t *testing.T, p site) {
		s := p.stage(t, demanding)
		s.login("alice")
		s.wantSpent(3, 1, func() { s.login("alice") })
	}},
	{name: "B5/connection", test: TestOneBindForOneLogin},
	{name: "B5/hang", as: "D16/silent_server_returns_within_the_deadline"},
	{name: "B6/lazy properties on the LDAP user", as: "D14/test_deepcopy", why: "nothing is loaded later: a user is one moment with its time"},
	{name: "B6/populate_user(username)", as: "D7/test_populate_bogus_user"},
	{name: "B6/attrs", as: "D13/test_dn_cached"},
	{name: "B6/mirror", key: "Sync.Mirror.Prefix", test: TestMirrorNames},
	{name: "B6/permissions", as: "D11/test_dn_group_permissions", elsewhere: []string{"ldapmgr/usersql.TestPermissions"}},
	{name: "B6/DN cache", key: "Users.MissFor", as: "D16/outage_is_not_cached_as_a_miss"},
	{name: "B6/group-name cache", as: "D13/test_group_cache"},
	{name: "B6/get_user(id)", as: "D3/test_get_custom_user"},
	{name: "B6/copy/pickle", as: "D14/test_pickle"},
	{name: "B6/hooks", as: "D1/test_convert_username"},
	{name: "B6/signals", key: "Event", as: "D8/test_auth_signal_ldap_error"},
	{name: "B6/logging", as: "D12/test_group_mirroring_error"},
	{name: "B6/multi config", as: "D16/same_account_in_two_domains_is_two_users"},
	{name: "B6/docs advice", test: TestIdentityConfigProblems, elsewhere: []string{"cmd/ldapscope.TestScripts"}, why: "no command gives advice; what contradicts itself is refused when the configuration is read"},
	{name: "B6/docs sample", key: "Login.Limit", test: TestLimit},
	// C1: the JumpCloud guide
	{name: "C1/directory", key: "Preset", test: TestJumpCloudMap, elsewhere: []string{"cmd/ldapscope/app.TestJumpCloudGuide"}},
	{name: "C1/groups", test: TestGroupStrategies, elsewhere: []string{"cmd/ldapscope/app.TestJumpCloudGuide"}},
	{name: "C1/flow", as: "D5/test_login_with_multiple_auth_backends"},
	{name: "C1/settings", test: TestIdentityConfigInherits, elsewhere: []string{"cmd/ldapscope.TestScripts"}, why: "nothing imports Django's settings; a key that nothing knows is an error"},
	{name: "C1/attribute map (16)", key: "Users.Fields", test: TestJumpCloudMap},
	{name: "C1/profile", as: "D16/multi_value", elsewhere: []string{"cmd/ldapscope/app.TestJumpCloudGuide", "ldapmgr/usersql.TestApplyIsAllOrNothing"}},
	{name: "C1/pages", test: TestJumpCloudMap, elsewhere: []string{"cmd/ldapscope/app.TestJumpCloudGuide"}},
}
