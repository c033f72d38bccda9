// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrConflict marks a change that the database refused because of other transactions, again and again. Nothing was written,
// and it may be tried once more.
var ErrConflict = errors.New("transactions of others were in the way, and nothing was written")

// attempts is how often a change is begun that others are in the way of.
const attempts = 5

// change runs f in a transaction, and commits it when f succeeds. No other change of any Store runs meanwhile, so what f
// reads stays so. f runs again when a transaction of somebody else was in the way, as long as it allows that.
func (s *Store) change(ctx context.Context, f func(*sql.Tx) (again bool, err error)) error {
	return s.transaction(ctx, s.dialect.lock, f)
}

// transaction is change with another way to keep others out: the statement that it begins with.
func (s *Store) transaction(ctx context.Context, lock string, f func(*sql.Tx) (again bool, err error)) error {
	return repeat(func() (bool, error) { return s.once(ctx, lock, f) })
}

// repeat runs f again when another transaction was in the way, as long as it allows that.
func repeat(f func() (again bool, err error)) error {
	for attempt := 1; ; attempt++ {
		again, err := f()
		if !isConflict(err) {
			return err
		}
		if !again || attempt == attempts {
			return fmt.Errorf("%w: %w", ErrConflict, err)
		}
	}
}

func (s *Store) once(ctx context.Context, lock string, f func(*sql.Tx) (again bool, err error)) (again bool, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return true, err
	}
	defer func() { _ = tx.Rollback() }() // says so when it was committed, which is as it should be
	if err := s.say(lock).exec(ctx, tx); err != nil {
		return true, err
	}
	if again, err = f(tx); err != nil {
		return again, err
	}
	return again, tx.Commit()
}

// write carries out a statement that needs no other, and returns how many rows it changed.
func (s *Store) write(ctx context.Context, q *statement) (changed int64, err error) {
	err = repeat(func() (bool, error) {
		result, err := s.db.ExecContext(ctx, q.text.String(), q.args...)
		if err == nil {
			changed, err = result.RowsAffected()
		}
		return true, err
	})
	return changed, err
}

// isConflict reports whether a database took a transaction back for the sake of another one. PostgreSQL's drivers tell its
// codes by a method; SQLite lets others wait instead.
func isConflict(err error) bool {
	var coded interface{ SQLState() string }
	if !errors.As(err, &coded) {
		return false
	}
	const serializationFailure, deadlockDetected = "40001", "40P01"
	code := coded.SQLState()
	return code == serializationFailure || code == deadlockDetected
}
