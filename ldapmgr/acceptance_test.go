// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"slices"
	"strings"
	"testing"
)

// row is one row of the acceptance list: the behaviours of django-auth-ldap's and django-windowsauth's tests, by the names
// they have there, and the cases that both fail.
type row struct {
	name  string                     // section/test
	run   func(t *testing.T, p site) // against the in-memory directory and against slapd
	alone func(t *testing.T, p site) // in the place of run, for rows that start a server of their own kind: p is none yet
	other string                     // what holds the row where this package cannot: the package and test
	why   string                     // why the row has no meaning outside of Django; run asserts its nearest counterpart
}

// acceptance is every row that is kept.
func acceptance() []row {
	return slices.Concat(directBindRows, searchBindRows, localUserRows, configurationRows, backendRows, emptyPasswordRows, populationRows,
		errorRows, accessRows, groupRows, permissionRows, mirrorRows, cacheRows, copyRows, beyondRows)
}

func TestAcceptance(t *testing.T) {
	t.Parallel()
	all := openLedgers(t)
	t.Cleanup(func() { all.save(t) })
	for server, start := range map[string]func(*testing.T) site{"memory": fixtureInMemory, "slapd": fixtureOnSlapd} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			shared := start(t)
			for _, r := range acceptance() {
				if r.run != nil {
					t.Run(r.name, func(t *testing.T) {
						t.Parallel()
						all.hold(t, r.name, shared, r.run)
					})
				}
			}
		})
	}
	for _, r := range acceptance() {
		if r.alone != nil {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				all.hold(t, r.name, site{}, r.alone)
			})
		}
	}
}

// TestAcceptanceIsComplete fails when a row of the list has no test, or a test no row.
func TestAcceptanceIsComplete(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for section, names := range parity {
		for name := range strings.FieldsSeq(names) {
			listed[section+"/"+name] = true
		}
	}
	if n := len(listed); n != parityRows {
		t.Errorf("the list has %d rows, want %d", n, parityRows)
	}
	for _, r := range acceptance() {
		if !listed[r.name] {
			t.Errorf("%s is there twice or on no list", r.name)
		}
		delete(listed, r.name)
		if r.run == nil && r.alone == nil && r.other == "" {
			t.Errorf("%s asserts nothing and names no other test", r.name)
		}
	}
	for name := range listed {
		t.Errorf("%s has no test", name)
	}
}

const parityRows = 96 + 26

// parity is the list: 96 rows of django-auth-ldap, and what both seeds fail.
var parity = map[string]string{
	"D1": `test_simple_bind test_simple_bind_escaped test_simple_bind_bad_user test_simple_bind_bad_password test_new_user_lowercase
		test_new_user_whitespace test_unicode_user test_username_none test_convert_username`,
	"D2": `test_search_bind test_search_bind_escaped test_search_bind_no_user test_search_bind_multiple_users test_search_bind_bad_password
		test_search_bind_with_credentials test_search_bind_with_bad_credentials test_union_search test_null_search_results test_search_attrlist`,
	"D3": `test_existing_user test_existing_user_insensitive test_no_new_users test_auth_custom_field test_auth_custom_user
		test_get_custom_user test_get_custom_field`,
	"D4": `test_options test_callable_server_uri test_default_settings test_start_tls_missing test_start_tls test_bind_as_user
		test_bind_as_user_with_dn_refetch`,
	"D5": `test_login_with_multiple_auth_backends test_bad_login_with_multiple_auth_backends test_override_authenticate_access_ldap_user`,
	"D6": `test_deny_empty_password test_permit_empty_password test_permit_null_password`,
	"D7": `test_cidict test_populate_user test_populate_user_with_missing_attribute test_populate_user_ldap_error
		test_populate_user_with_bad_search test_authenticate_with_buggy_setter_raises_exception
		test_populate_user_with_buggy_setter_raises_exception test_populate_with_attrlist test_signal_populate_user
		test_no_update_existing test_create_without_auth test_populate_without_auth test_populate_bogus_user`,
	"D8": `test_auth_signal_ldap_error test_search_for_user_dn_error test_populate_signal_ldap_error`,
	"D9": `test_require_group test_require_group_with_nonexistent_group test_require_group_as_group_query test_denied_group
		test_simple_group_query test_group_query_utf8 test_negated_group_query test_or_group_query test_and_group_query
		test_nested_group_query test_group_union test_nested_group_union`,
	"D10": `test_group_dns test_group_names test_dn_group_membership test_user_flags_misconfigured test_posix_membership
		test_nested_dn_group_membership test_posix_missing_attributes`,
	"D11": `test_dn_group_permissions test_group_permissions_ldap_error test_empty_group_permissions test_posix_group_permissions
		test_posix_group_permissions_no_gid test_foreign_user_permissions test_authorize_external_users test_authorize_external_unknown`,
	"D12": `test_group_mirroring test_group_mirroring_custom_grouptype test_nested_group_mirroring test_group_mirroring_whitelist_update
		test_group_mirroring_whitelist_noop test_group_mirroring_blacklist_update test_group_mirroring_blacklist_noop
		test_group_mirroring_error`,
	"D13": `test_group_cache test_dn_not_cached test_dn_cached`,
	"D14": `test_deepcopy test_pickle`,
	"D15": `test_django_not_ready`,
	"D16": `outage_is_not_cached_as_a_miss two_domains_do_not_share_a_cache same_account_in_two_domains_is_two_users exact_group_match
		failed_group_search_changes_nothing dn_with_special_characters dn_compare_ignores_case_and_spaces username_is_no_filter
		attribute_removed_is_cleared multi_value delta_0 sigterm_saves counters_survive_reconnect counters_exceed_2_31
		silent_server_returns_within_the_deadline panel_never_shows_a_password panel_survives_paged_searches panel_survives_binary_values
		panel_survives_changes panel_survives_compare_and_extended overlapping_requests_record_once
		operations_are_filtered_per_domain default_settings_never_deactivate clear_text_with_tls_required_is_refused
		untrusted_certificate_is_refused dn_compare_ignores_escapes`,
}
