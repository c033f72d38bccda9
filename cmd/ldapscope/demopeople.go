// SPDX-License-Identifier: MIT

package main

import "github.com/ldapscope/ldapscope/ldapmgr"

// The demo's app lets in who is in All, keeps fifteen fields of everybody, and makes three flags and the local groups of
// the directory's groups.
var (
	demoLogin = ldapmgr.Login{
		Require: "All",
		Limit:   ldapmgr.Limit{PerUser: -1, PerAddress: -1}, // the demo's own traffic fails to log in over and over
	}
	demoUsers = ldapmgr.Users{Fields: map[string]ldapmgr.Field{
		"first_name": {Attribute: "givenName"}, "last_name": {Attribute: "sn"}, "display_name": {Attribute: "displayName"},
		"email": {Attribute: "mail", Transform: ldapmgr.TransformLower}, "username": {Attribute: "sAMAccountName"},
		"title": {Attribute: "title"}, "department": {Attribute: "department"}, "company": {Attribute: "company"},
		"location": {Attribute: "l"}, "phone_no": {Attribute: "telephoneNumber"}, "employee_id": {Attribute: "employeeID"},
		"principal_name": {Attribute: "userPrincipalName"}, "description": {Attribute: "description"},
		"address_line": {Template: "{displayName}, {company}, {l}"}, "password_changed": {Attribute: "pwdLastSet", Transform: ldapmgr.TransformTime},
	}}
	demoSync = ldapmgr.Sync{
		Flags:  map[string]string{ldapmgr.ActiveFlag: "Staff", "staff": "Engineering or IT", "superuser": "Administrators"},
		Mirror: ldapmgr.Mirror{On: new(true)},
	}
)
