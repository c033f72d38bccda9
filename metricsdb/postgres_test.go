// SPDX-License-Identifier: MIT

package metricsdb_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/postgres"
)

// PostgreSQL itself, where it is installed, takes the schema and can prepare every statement that the package has.
func TestPostgreSQLTakesSchemaAndQueries(t *testing.T) {
	t.Parallel()
	var server postgres.Server
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	server.Start(t)
	if err := server.Run("\\i " + absolute(t, "postgres/schema.sql")); err != nil {
		t.Error(err)
	}
	askEverything(t)
	var script strings.Builder
	for i, text := range asked.all() {
		fmt.Fprintf(&script, "PREPARE s%d AS %s;\n", i, numbered(text))
	}
	if err := server.Run(script.String()); err != nil {
		t.Error(err)
	}
}

// numbered writes parameters as PostgreSQL does.
func numbered(statement string) string {
	var out strings.Builder
	n := 0
	for _, r := range statement {
		if r == '?' {
			n++
			fmt.Fprintf(&out, "$%d", n)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
