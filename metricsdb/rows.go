// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"errors"
)

// querier is a handle or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls fn for every row of a query; rows left open would keep the log from shrinking, so they never are.
func each(ctx context.Context, q querier, query string, args []any, fn func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// texts returns the only column of a query.
func texts(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	var all []string
	err := each(ctx, q, query, args, func(rows *sql.Rows) error {
		var text string
		err := rows.Scan(&text)
		all = append(all, text)
		return err
	})
	return all, err
}
