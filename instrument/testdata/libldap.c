/* SPDX-License-Identifier: MIT
 *
 * The rival of BenchmarkOverhead: the same searches through OpenLDAP's C library, every value read. Usage: libldap URL DN
 * PASSWORD one|paged; then it takes numbers from stdin, and after so many searches answers with the entries that came.
 *
 * What is used of the library is declared here, so that its development package is not needed (libldap 2.5 and 2.6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

typedef struct ldap LDAP;
typedef struct ldapmsg LDAPMessage;
typedef struct berelement BerElement;
typedef struct ldapcontrol LDAPControl;
struct berval {
	unsigned long bv_len;
	char *bv_val;
};

int ldap_initialize(LDAP **, const char *);
int ldap_set_option(LDAP *, int, const void *);
int ldap_sasl_bind_s(LDAP *, const char *, const char *, struct berval *, LDAPControl **, LDAPControl **, struct berval **);
int ldap_search_ext_s(LDAP *, const char *, int, const char *, char **, int, LDAPControl **, LDAPControl **, struct timeval *, int, LDAPMessage **);
int ldap_create_page_control(LDAP *, int, struct berval *, int, LDAPControl **);
int ldap_parse_result(LDAP *, LDAPMessage *, int *, char **, char **, char ***, LDAPControl ***, int);
int ldap_parse_pageresponse_control(LDAP *, LDAPControl *, int *, struct berval *);
LDAPControl *ldap_control_find(const char *, LDAPControl **, LDAPControl ***);
void ldap_control_free(LDAPControl *);
void ldap_controls_free(LDAPControl **);
LDAPMessage *ldap_first_entry(LDAP *, LDAPMessage *);
LDAPMessage *ldap_next_entry(LDAP *, LDAPMessage *);
char *ldap_get_dn(LDAP *, LDAPMessage *);
char *ldap_first_attribute(LDAP *, LDAPMessage *, BerElement **);
char *ldap_next_attribute(LDAP *, LDAPMessage *, BerElement *);
struct berval **ldap_get_values_len(LDAP *, LDAPMessage *, const char *);
void ldap_value_free_len(struct berval **);
void ldap_memfree(void *);
int ldap_msgfree(LDAPMessage *);
void ber_free(BerElement *, int);

enum { PROTOCOL_VERSION = 0x0011, SUBTREE = 2, PAGE = 500 };

static void check(int code, const char *what) {
	if (code != 0) {
		fprintf(stderr, "%s: result %d\n", what, code);
		exit(1);
	}
}

/* read_entries touches every value of an answer, as programs do, and counts the entries. */
static long read_entries(LDAP *ld, LDAPMessage *answer) {
	long entries = 0;
	for (LDAPMessage *e = ldap_first_entry(ld, answer); e != NULL; e = ldap_next_entry(ld, e)) {
		BerElement *at = NULL;
		char *dn = ldap_get_dn(ld, e);
		for (char *name = ldap_first_attribute(ld, e, &at); name != NULL; name = ldap_next_attribute(ld, e, at)) {
			ldap_value_free_len(ldap_get_values_len(ld, e, name));
			ldap_memfree(name);
		}
		ber_free(at, 0);
		ldap_memfree(dn);
		entries++;
	}
	return entries;
}

static long one(LDAP *ld) {
	char *attributes[] = {"cn", "mail", "uid", NULL};
	LDAPMessage *answer = NULL;
	check(ldap_search_ext_s(ld, "dc=example,dc=org", SUBTREE, "(uid=user000123)", attributes, 0, NULL, NULL, NULL, 0, &answer), "search");
	long entries = read_entries(ld, answer);
	ldap_msgfree(answer);
	return entries;
}

static long paged(LDAP *ld) {
	struct berval cookie = {0, NULL};
	long entries = 0;
	do {
		LDAPControl *control = NULL, **answered = NULL;
		check(ldap_create_page_control(ld, PAGE, &cookie, 0, &control), "paging control");
		LDAPControl *controls[] = {control, NULL};
		LDAPMessage *answer = NULL;
		int code = 0, estimate = 0;
		check(ldap_search_ext_s(ld, "dc=example,dc=org", SUBTREE, "(objectClass=inetOrgPerson)", NULL, 0, controls, NULL, NULL, 0, &answer), "search");
		ldap_control_free(control);
		ldap_memfree(cookie.bv_val);
		cookie = (struct berval){0, NULL};
		entries += read_entries(ld, answer);
		check(ldap_parse_result(ld, answer, &code, NULL, NULL, NULL, &answered, 0), "result");
		LDAPControl *page = ldap_control_find("1.2.840.113556.1.4.319", answered, NULL);
		if (page != NULL) {
			check(ldap_parse_pageresponse_control(ld, page, &estimate, &cookie), "paging answer");
		}
		ldap_controls_free(answered);
		ldap_msgfree(answer);
	} while (cookie.bv_len > 0);
	ldap_memfree(cookie.bv_val);
	return entries;
}

int main(int argc, char **argv) {
	LDAP *ld = NULL;
	int version = 3;
	long count;
	if (argc != 5) {
		return 2;
	}
	struct berval password = {strlen(argv[3]), argv[3]};
	check(ldap_initialize(&ld, argv[1]), "connect");
	check(ldap_set_option(ld, PROTOCOL_VERSION, &version), "version");
	check(ldap_sasl_bind_s(ld, argv[2], NULL, &password, NULL, NULL, NULL), "bind");
	printf("ready\n");
	fflush(stdout);
	while (scanf("%ld", &count) == 1) {
		long entries = 0;
		for (long i = 0; i < count; i++) {
			entries += strcmp(argv[4], "one") == 0 ? one(ld) : paged(ld);
		}
		printf("%ld\n", entries);
		fflush(stdout);
	}
	return 0;
}
