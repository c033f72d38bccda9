// SPDX-License-Identifier: MIT

package samba

import (
	_ "embed"
	"strings"
)

// What everybody of Accounts has in common, and the account for programs.
const (
	Password        = "lovelace"   // of all people
	Service         = "app"        // sAMAccountName of a service account, which may read only
	ServicePassword = "app-secret" // of Service
	Writer          = "writer"     // sAMAccountName of an account for changes, once it is in Config.Admins
	WriterPassword  = "write-me"   // of Writer
)

//go:embed accounts.ldif
var accounts string

// Accounts returns the LDIF that a domain holds by default, also for the in-memory directory: ou=people with ada, grace,
// john ("Doe, John") and zoe, and an account for each way to be refused: f_disabled, f_expired, f_mustchange, f_pwdexpired,
// f_hours, f_wks and f_locked; ou=groups with ada and grace in engineers, which is in staff, which is in everyone, with
// loop-a and loop-b in each other, and with mailing, a distribution list; ou=services with Service and Writer.
func Accounts(realm string) string {
	domain := strings.ToLower(realm)
	return strings.NewReplacer("{suffix}", strings.ToLower(suffixOf(realm)), "{domain}", domain).Replace(accounts)
}
