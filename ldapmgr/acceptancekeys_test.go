// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// settings are the rows of the two seeds that are settings, types or pieces of machinery: what answers to each here, and the
// test that holds it. key is a path of fields below ldapmgr.DomainConfig, or empty where it is no setting.
var settings = []struct{ row, key, test string }{
	// A1: global settings of django-windowsauth
	{"A1/WAUTH_USE_SPN", "", "TestLoginNames"},
	{"A1/WAUTH_RESYNC_DELTA", "Sync.ResyncAfter", "TestEveryRequest"},
	{"A1/WAUTH_USE_CACHE", "", "TestFreshUserCostsNothing"},
	{"A1/WAUTH_REQUIRE_RESYNC", "Sync.OnError", "TestOnError"},
	{"A1/WAUTH_ERROR_RESPONSE", "", "TestOwnErrorAnswer"},
	{"A1/WAUTH_LOWERCASE_USERNAME", "Sync.LocalName", "D1/test_new_user_lowercase"},
	{"A1/WAUTH_SIMULATE_USER", "", "TestSimulate"},
	// A3: settings of a domain that are not about its connections
	{"A3/SEARCH_BASE", "Users.Places", "D2/test_union_search"},
	{"A3/USER_FIELD_MAP", "Users.Fields", "TestFields"},
	{"A3/USER_QUERY_FIELD", "Sync.QueryField", "D3/test_get_custom_field"},
	{"A3/USER_QUERY_FILTER", "Users.Filter", "D7/test_populate_user_with_bad_search"},
	{"A3/GROUP_ATTRS", "Groups.Name", "TestGroupReferences"},
	{"A3/SUPERUSER_GROUPS", "Sync.Flags", "D10/test_dn_group_membership"},
	{"A3/STAFF_GROUPS", "Sync.Flags", "D10/test_dn_group_membership"},
	{"A3/ACTIVE_GROUPS", "Sync.Flags", "D16/default_settings_never_deactivate"},
	{"A3/PROPAGATE_GROUPS", "Sync.Implies", "TestFlagsThatImplyOthers"},
	{"A3/GROUP_MAP", "Sync.Groups", "TestOperationBudget"},
	{"A3/FLAG_MAP", "Sync.Flags", "TestIdentityConfigInherits"},
	// A8 to A12
	{"A8/fields", "", "TestApply"},
	{"A8/create_user", "", "D7/test_create_without_auth"},
	{"A8/get_ldap_user", "Users.CacheFor", "TestCachesExpire"},
	{"A8/get_ldap_attr", "", "D7/test_cidict"},
	{"A8/get_ldap_groups", "Groups.Strategy", "TestGroupsOfActiveDirectory"},
	{"A8/username in filter", "", "D16/username_is_no_filter"},
	{"A9/group match", "", "D16/exact_group_match"},
	{"A9/errors in group search", "", "D16/failed_group_search_changes_nothing"},
	{"A9/atomicity", "", "TestApplyIsAllOrNothing"},
	{"A9/cost", "", "TestOperationBudget"},
	{"A9/concurrency", "", "TestOneSyncAtATime"},
	{"A9/resync check, DB mode", "", "D16/delta_0"},
	{"A9/resync check, cache mode", "", "TestOperationBudgetFresh"},
	{"A10/WindowsAuthBackend", "", "TestRemoteUser"},
	{"A10/UserSyncMiddleware", "Sync.MaxStale", "TestOnError"},
	{"A10/SimulateWindowsAuthMiddleware", "", "TestSimulate"},
	{"A11/domain_required", "", "TestRequirements"},
	{"A11/ldap_sync_required", "", "TestRequirementFails"},
	{"A12/ldap_user_sync", "", "D7/test_signal_populate_user"},
	{"A12/execution timer", "", "TestSyncSteps"},
	{"A13/predefined tasks", "Sync.Every", "TestRunSyncsInTime"},
	{"A14/migration how-to", "", "TestLink"},
	// B1: settings of django-auth-ldap that are not about its connections
	{"B1/USER_SEARCH", "Login.Attributes", "D2/test_search_bind"},
	{"B1/USER_DN_TEMPLATE", "Login.Names", "D1/test_simple_bind"},
	{"B1/BIND_AS_AUTHENTICATING_USER", "Login.AsUser", "D4/test_bind_as_user"},
	{"B1/REFRESH_DN_ON_BIND", "Login.RefreshDN", "D4/test_bind_as_user_with_dn_refetch"},
	{"B1/PERMIT_EMPTY_PASSWORD", "Login.EmptyPassword", "TestEmptyPasswordIsNobody"},
	{"B1/USER_ATTRLIST", "Users.Attributes", "D2/test_search_attrlist"},
	{"B1/USER_ATTR_MAP", "Users.Fields", "D7/test_populate_user"},
	{"B1/USER_FLAGS_BY_GROUP", "Sync.Flags", "D10/test_user_flags_misconfigured"},
	{"B1/USER_QUERY_FIELD", "Sync.QueryField", "D3/test_get_custom_field"},
	{"B1/ALWAYS_UPDATE_USER", "Sync.Update", "D7/test_no_update_existing"},
	{"B1/NO_NEW_USERS", "Sync.NewUsers", "D3/test_no_new_users"},
	{"B1/GROUP_SEARCH", "Groups.Places", "D9/test_group_union"},
	{"B1/GROUP_TYPE", "Groups.Strategy", "TestGroupStrategies"},
	{"B1/REQUIRE_GROUP", "Login.Require", "D9/test_require_group"},
	{"B1/DENY_GROUP", "Login.Deny", "D9/test_denied_group"},
	{"B1/FIND_GROUP_PERMS", "Sync.GroupPermissions", "D11/test_dn_group_permissions"},
	{"B1/AUTHORIZE_ALL_USERS", "Sync.AuthorizeAll", "D11/test_authorize_external_users"},
	{"B1/MIRROR_GROUPS", "Sync.Mirror.Only", "D12/test_group_mirroring_whitelist_update"},
	{"B1/MIRROR_GROUPS_EXCEPT", "Sync.Mirror.Except", "D12/test_group_mirroring_blacklist_update"},
	{"B1/CACHE_TIMEOUT", "Groups.CacheFor", "D13/test_group_cache"},
	// B2 to B6
	{"B2/LDAPSearch", "Login.Filter", "D2/test_search_bind_multiple_users"},
	{"B2/result cleaning", "", "D2/test_null_search_results"},
	{"B2/LDAPSearchUnion", "Groups.BestEffort", "TestBestEffort"},
	{"B2/no paging", "", "BenchmarkAll"},
	{"B3/LDAPGroupType", "Groups.Own", "D12/test_group_mirroring_custom_grouptype"},
	{"B3/PosixGroupType", "", "D10/test_posix_membership"},
	{"B3/MemberDNGroupType", "Groups.Member", "TestGroupStrategies"},
	{"B3/NestedMemberDNGroupType", "Groups.Nested", "TestDepthAndChunks"},
	{"B3/GroupOfUniqueNames", "", "TestGroupStrategies"},
	{"B3/ActiveDirectory", "", "TestGroupsOfActiveDirectory"},
	{"B3/OrganizationalRole", "", "TestGroupStrategies"},
	{"B3/is_member_of", "", "D16/dn_compare_ignores_case_and_spaces"},
	{"B4/build", "", "TestParseGroupQuery"},
	{"B4/tree", "", "TestParseGroupQueryErrors"},
	{"B4/evaluation", "", "TestExplain"},
	{"B4/missing group DN", "", "D9/test_require_group_with_nonexistent_group"},
	{"B4/use", "", "TestRequirements"},
	{"B5/failure", "", "TestOutcomesOfActiveDirectory"},
	{"B5/LDAP error", "Event", "D8/test_search_for_user_dn_error"},
	{"B5/other exception", "", "D7/test_authenticate_with_buggy_setter_raises_exception"},
	{"B5/LDAP ops measured", "", "TestOperationBudget"},
	{"B5/hang", "", "D16/silent_server_returns_within_the_deadline"},
	{"B6/populate_user", "", "D7/test_populate_bogus_user"},
	{"B6/mirror", "Sync.Mirror.Prefix", "TestMirrorNames"},
	{"B6/permissions", "", "TestPermissions"},
	{"B6/DN cache", "Users.MissFor", "D16/outage_is_not_cached_as_a_miss"},
	{"B6/get_user", "", "D3/test_get_custom_user"},
	{"B6/copy/pickle", "", "D14/test_pickle"},
	{"B6/hooks", "", "D1/test_convert_username"},
	{"B6/signals", "Event", "D8/test_auth_signal_ldap_error"},
	{"B6/multi config", "", "D16/same_account_in_two_domains_is_two_users"},
	{"B6/docs sample", "Login.Limit", "TestLimit"},
	// C1: the JumpCloud guide
	{"C1/attribute map", "Users.Fields", "TestJumpCloudMap"},
	{"C1/flow", "", "D5/test_login_with_multiple_auth_backends"},
	{"C1/profile", "", "TestApplyIsAllOrNothing"},
}

func TestSettingsAreTested(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	for _, r := range acceptance() {
		tests[r.name] = true
	}
	for _, folder := range []string{".", "usersql", "webauth"} {
		for _, name := range testNames(t, folder) {
			tests[name] = true
		}
	}
	seen := map[string]bool{}
	for _, s := range settings {
		if seen[s.row] {
			t.Errorf("%s is there twice", s.row)
		}
		seen[s.row] = true
		if !tests[s.test] {
			t.Errorf("%s: there is no test %s", s.row, s.test)
		}
		typ := reflect.TypeFor[ldapmgr.DomainConfig]()
		for name := range strings.SplitSeq(s.key, ".") {
			if s.key == "" {
				break
			}
			field, ok := typ.FieldByName(name)
			if !ok {
				t.Errorf("%s: DomainConfig has no %s", s.row, s.key)
				break
			}
			typ = field.Type
		}
	}
}

// testNames lists the tests and benchmarks of a folder.
func testNames(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range tree.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// TestMirrorNames: a prefix keeps the mirrored groups apart from the application's own, and patterns choose among them.
func TestMirrorNames(t *testing.T) {
	t.Parallel()
	s := fixtureInMemory(t).stage(t, func(c *ldapmgr.DomainConfig) {
		c.Sync.Mirror = ldapmgr.Mirror{On: new(true), Prefix: "ldap-", Only: []string{"S*_gon", "active_???"}}
		c.Sync.Groups = map[string]string{"ldap-staff_gon": "", "mapped": "nested_gon"}
	})
	s.login("alice")
	s.wantGroups("alice", "ldap-active_gon", "ldap-superuser_gon", "mapped")
	s.inGroups("alice", "ldap-active_gon", "ldap-superuser_gon", "mapped", "active_gon", "own", "ldap-staff_gon", "ldap-sold_gon", "ldap-other")
	s.login("alice")
	s.wantGroups("alice", "active_gon", "ldap-active_gon", "ldap-other", "ldap-superuser_gon", "mapped", "own")
}

// TestJumpCloudMap is the guide's attribute map, without the password that it copies.
func TestJumpCloudMap(t *testing.T) {
	t.Parallel()
	p := fixtureInMemory(t)
	guide := map[string]string{
		"first_name": "givenName", "last_name": "sn", "email": "mail", "username": "uid", "middle_name": "initials", "display_name": "displayName",
		"title": "title", "department": "departmentNumber", "cost_center": "businessCategory", "location": "physicalDeliveryOfficeName",
		"employee_id": "employeeNumber", "employee_type": "employeeType", "company": "o", "description": "description", "phone_no": "mobile",
	}
	c := p.config()
	c.Users.Fields = map[string]ldapmgr.Field{}
	for name, attribute := range guide {
		c.Users.Fields[name] = ldapmgr.Field{Attribute: attribute}
	}
	sink := &ownSink{accounts: map[string]ldapmgr.Stored{}}
	s := p.stage(t, nil)
	done, err := ldapmgr.NewSyncer(identityManager(t, s.scope, c), sink, ldapmgr.Hooks{}).Login(t.Context(), ldapmgr.Credentials{Name: "charlie", Password: "password"})
	if err != nil || done.Account.Fields["email"] != "charlie@people.test" || done.Account.Fields["username"] != "charlie" {
		t.Errorf("got %+v, %v", done, err)
	}
	c.Users.Fields["password"] = ldapmgr.Field{Attribute: "userPassword"}
	if _, err := ldapmgr.New(ldapmgr.Config{Scope: s.scope, Domains: map[string]ldapmgr.DomainConfig{"X": c}}); len(ldapmgr.Problems(err)) != 1 {
		t.Errorf("the password is mapped: %v", err)
	}
}
