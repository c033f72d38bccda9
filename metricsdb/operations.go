// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"
)

// Reason is why one operation is kept.
type Reason string

// The reasons to keep an operation. Pinned ones are kept until they are unpinned, whatever becomes of their run.
const (
	ReasonSlow   Reason = "slow"
	ReasonFailed Reason = "failed"
	ReasonPinned Reason = "pinned"
)

// SavedOperation is one operation kept whole. Document is its JSON, which the caller has redacted; nothing here looks into it.
type SavedOperation struct {
	Run      string          `json:"run"`
	Seq      uint64          `json:"seq"` // of the operation's start event; with Run its identity
	Domain   string          `json:"domain"`
	Kind     string          `json:"kind"`
	Shape    string          `json:"shape"`
	Reason   Reason          `json:"reason"`
	Policy   Reason          `json:"policy,omitempty"` // of a pinned one: why its run has it too, slow or failed
	Start    time.Time       `json:"start"`
	Duration int64           `json:"duration_us"`
	Code     int64           `json:"code"` // LDAP result code
	Note     string          `json:"note"` // of who pinned it
	Document json.RawMessage `json:"operation"`
}

// OperationQuery selects saved operations; fields that are set must all hold.
type OperationQuery struct {
	Run    string
	Domain string
	Shape  string
	Reason Reason
	Note   string    // of pinned ones: the name of a recording
	Since  time.Time // inclusive
	Until  time.Time // exclusive
	Limit  int       // default 100
}

const defaultOperations = 100

// A pin outlives what a policy says later of the same operation: the policy's document says less. A pin with a document of
// its own leaves the run nothing beside it, since that document may say more than a policy keeps.
const upsertOperation = `INSERT INTO operations (run, seq, domain, kind, shape, reason, start_us, duration_us, code, note, document, policy)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (run, seq) DO UPDATE SET
    policy = CASE WHEN excluded.reason = 'pinned' THEN excluded.policy ELSE operations.policy END,
    document = CASE WHEN operations.reason = 'pinned' AND excluded.reason <> 'pinned' THEN operations.document ELSE excluded.document END,
    reason = CASE WHEN operations.reason = 'pinned' THEN 'pinned' ELSE excluded.reason END,
    note = CASE WHEN excluded.reason = 'pinned' THEN excluded.note ELSE operations.note END`

// selectOperations asks a file of the version; one from before there was a policy's reason beside the pin has none.
func selectOperations(version int) string {
	policy := "o.policy"
	if version < policyVersion {
		policy = "''"
	}
	return `SELECT o.run, o.seq, o.domain, o.kind, o.shape, o.reason, o.start_us, o.duration_us, o.code, o.note, o.document, ` + policy + ` FROM operations o`
}

// SaveOperations keeps operations, all or none. One that is there already takes the new document. A pinned one takes that of
// another pin alone, and stays pinned.
// It waits for other writers no longer than ctx lasts.
func (db *DB) SaveOperations(ctx context.Context, operations []SavedOperation) error {
	return db.write(ctx, func(s *store) error {
		return wrap(opSave, db.cfg.Path, s.change(ctx, db.cfg.BusyTimeout, func(tx *sql.Tx) error {
			for _, o := range operations {
				if len(o.Document) == 0 {
					o.Document = json.RawMessage("null")
				}
				_, err := tx.ExecContext(ctx, upsertOperation, o.Run, int64(o.Seq), o.Domain, o.Kind, o.Shape, string(o.Reason),
					micros(o.Start), o.Duration, o.Code, o.Note, string(o.Document), string(o.Policy))
				if err != nil {
					return err
				}
			}
			return nil
		}))
	})
}

// Unpin gives a pinned operation up; its run has it again if it had it before [DB.KeepRecording] pinned it. ErrNotFound when
// it is not there or not pinned.
func (db *DB) Unpin(ctx context.Context, run string, seq uint64) error {
	return db.write(ctx, func(s *store) error {
		return wrap(opPrune, db.cfg.Path, s.change(ctx, db.cfg.BusyTimeout, func(tx *sql.Tx) error {
			gone, err := giveUp(ctx, tx, "run = ? AND seq = ?", run, int64(seq))
			if err == nil && gone == 0 {
				err = &Error{Op: "find the pinned operation in", Path: db.cfg.Path, Kind: ErrNotFound}
			}
			return err
		}))
	})
}

// giveUp ends the pins that the condition selects and returns how many there were.
func giveUp(ctx context.Context, tx *sql.Tx, condition string, args ...any) (gone int, err error) {
	for _, statement := range []string{
		"DELETE FROM operations WHERE reason = 'pinned' AND policy = '' AND ",
		"UPDATE operations SET reason = policy, policy = '', note = '' WHERE reason = 'pinned' AND ",
	} {
		n, err := affected(ctx, tx, statement+condition, args...)
		if err != nil {
			return 0, err
		}
		gone += n
	}
	return gone, nil
}

// affected runs a statement and returns how many rows it changed.
func affected(ctx context.Context, tx *sql.Tx, statement string, args ...any) (int, error) {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// Operations returns saved operations, the newest first. A file of a version before there were any has none.
func (db *DB) Operations(ctx context.Context, q OperationQuery) ([]SavedOperation, error) {
	v, err := db.view(ctx)
	if err != nil {
		return nil, err
	}
	return v.operations(ctx, q)
}

func (v view) operations(ctx context.Context, q OperationQuery) ([]SavedOperation, error) {
	if v.version < operationsVersion {
		return nil, nil
	}
	var c conditions
	c.text("o.run", q.Run)
	c.text("o.domain", q.Domain)
	c.text("o.shape", q.Shape)
	c.text("o.reason", string(q.Reason))
	c.text("o.note", q.Note)
	c.from("o.start_us", q.Since)
	c.until("o.start_us", q.Until)
	if q.Limit <= 0 {
		q.Limit = defaultOperations
	}
	query := selectOperations(v.version) + " " + c.where() + " ORDER BY o.start_us DESC, o.run, o.seq LIMIT ?"
	var found []SavedOperation
	err := each(ctx, v.reader, query, append(slices.Clone(c.args), q.Limit), func(rows *sql.Rows) error {
		o, err := scanOperation(rows)
		found = append(found, o)
		return err
	})
	return found, wrap(opRead, v.path, err)
}

const (
	operationsVersion = 2 // the schema since which operations are kept
	policyVersion     = 3 // since which a pin leaves the reason of the policy
)

func scanOperation(rows *sql.Rows) (SavedOperation, error) {
	var o SavedOperation
	var seq int64
	var start moment
	var document string
	err := rows.Scan(&o.Run, &seq, &o.Domain, &o.Kind, &o.Shape, &o.Reason, &start, &o.Duration, &o.Code, &o.Note, &document, &o.Policy)
	o.Seq, o.Start, o.Document = uint64(seq), start.time(), json.RawMessage(document)
	return o, err
}
