// SPDX-License-Identifier: MIT

package usersql

// SQLite needs version 3.35 or later. Open the database with a busy timeout and with foreign keys on.
var SQLite = Dialect{
	name:    "sqlite",
	bind:    func(int) string { return "?" },
	columns: "SELECT name FROM pragma_table_info(?)",
	boolean: "BOOLEAN",
	lower:   "lower(%s)",
	text:    func(text string) string { return text },
	lock:    "UPDATE {sync_run} SET run = run WHERE 1 = 0",
	tables: []string{
		`CREATE TABLE IF NOT EXISTS %[1]suser (
			id INTEGER PRIMARY KEY,
			name TEXT NOT NULL,
			name_fold TEXT NOT NULL UNIQUE,
			password TEXT
		)`,
		`CREATE TABLE IF NOT EXISTS %[1]sldap_user (
			user_id INTEGER PRIMARY KEY REFERENCES %[1]suser(id) ON DELETE CASCADE,
			domain TEXT NOT NULL,
			guid TEXT NOT NULL,
			dn TEXT NOT NULL,
			last_sync INTEGER NOT NULL DEFAULT 0,
			last_error TEXT NOT NULL DEFAULT '',
			left_at INTEGER NOT NULL DEFAULT 0,
			UNIQUE (domain, guid)
		)`,
		`CREATE TABLE IF NOT EXISTS %[1]sgroup (
			id INTEGER PRIMARY KEY,
			name TEXT NOT NULL,
			name_fold TEXT NOT NULL UNIQUE
		)`,
		`CREATE TABLE IF NOT EXISTS %[1]smembership (
			user_id INTEGER NOT NULL REFERENCES %[1]suser(id) ON DELETE CASCADE,
			group_id INTEGER NOT NULL REFERENCES %[1]sgroup(id) ON DELETE CASCADE,
			PRIMARY KEY (user_id, group_id)
		) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS %[1]spermission (
			group_id INTEGER NOT NULL REFERENCES %[1]sgroup(id) ON DELETE CASCADE,
			permission TEXT NOT NULL,
			PRIMARY KEY (group_id, permission)
		) WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS %[1]ssync_run (
			domain TEXT PRIMARY KEY,
			run TEXT NOT NULL
		)`,
	},
}
