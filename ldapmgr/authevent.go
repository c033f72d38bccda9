// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"log/slog"
)

// Stage is what was being done when something happened.
type Stage string

// The stages of logins and syncs.
const (
	StageAuthenticate Stage = "authenticate"
	StageFind         Stage = "find_user"
	StageGroups       Stage = "groups"
	StagePopulate     Stage = "populate_user"
	StagePermissions  Stage = "permissions"
	StageSave         Stage = "save"
)

// Event is a login that ended, or something that went wrong on the way of a login or a sync.
type Event struct {
	Stage   Stage
	Domain  string
	Account string  // as far as it is known
	Outcome Outcome // of StageAuthenticate
	Err     error   // nil for a login that succeeded
}

// event tells the application, and the log. The handler is the application's own, so that its panic is not ours.
func (d *Domain) event(ctx context.Context, e Event) {
	e.Domain = d.name
	level, text := slog.LevelWarn, "directory error"
	attributes := []slog.Attr{slog.String("stage", string(e.Stage))}
	switch {
	case e.Stage == StageAuthenticate && e.Outcome == OutcomeOK:
		level, text = slog.LevelInfo, "login"
	case e.Stage == StageAuthenticate && e.Outcome != OutcomeUnavailable:
		level, text = slog.LevelDebug, "login refused"
	}
	if e.Outcome != "" {
		attributes = append(attributes, slog.String("outcome", string(e.Outcome)))
	}
	if e.Err != nil {
		attributes = append(attributes, slog.String("reason", Reason(e.Err)))
	}
	d.log.LogAttrs(ctx, level, text, attributes...)
	if d.cfg.Event == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			d.log.LogAttrs(ctx, slog.LevelError, "the handler of events panicked", slog.Any("panic", p))
		}
	}()
	d.cfg.Event(ctx, e)
}
