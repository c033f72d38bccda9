// SPDX-License-Identifier: MIT

package metricsdb

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/ldapscope/ldapscope/instrument"
)

const (
	firstCheckpoint = 20 * time.Millisecond  // Run looks this soon at first and then ever later, for processes that die young
	historyWait     = 50 * time.Millisecond  // how long a point of history waits for another writer
	keptPoints      = 64                     // points of history that wait in the spool for a database that can be written
	claimWait       = 200 * time.Millisecond // a reader that looks through the folder may hold a new lock for an instant
)

// Spool keeps the usage of this process in a file of its own, which needs no database: whoever reads the database next
// finds it, whatever has become of the process. Its methods are safe for concurrent use; none is called by an operation, and
// the lock it holds while it writes is its own.
type Spool struct {
	cfg    Config
	folder spoolFolder
	file   disk         // under the spool's own file
	base   disk         // under the database
	buffer bytes.Buffer // belongs to whoever has taken file

	mu       sync.Mutex // guards all below
	lock     *os.File   // nil once finished
	doc      document
	unsaved  bool // doc differs from the file for another reason than counters
	recorded map[string]instrument.Counters
	warned   map[string]bool
	saved    Saved
	failed   error
}

// Saved is what Finish has kept.
type Saved struct {
	Run        string `json:"run"`
	Domains    int    `json:"domains"`
	Operations uint64 `json:"operations"`
	Merged     bool   `json:"merged"` // in the database; otherwise in Spool, which the next reader merges
	Database   string `json:"database"`
	Spool      string `json:"spool,omitempty"`
}

// NewSpool creates and locks the spool of a process. It touches no database. The error is an *Error that says what to
// change, such as ErrPermission for a folder that cannot be written.
func NewSpool(cfg Config, run instrument.Run) (*Spool, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	cfg.Existing = false // a process keeps its usage wherever that can be kept
	const op = "create a spool beside"
	if cfg.ReadOnly {
		return nil, &Error{Op: op, Path: cfg.Path, Kind: ErrReadOnly, Advice: "the configuration asks for reading only"}
	}
	if err := checkRunID(run.ID); err != nil {
		return nil, wrap(op, cfg.Path, err)
	}
	folder := spoolsOf(cfg.Path)
	if err := os.MkdirAll(string(folder), 0o700); err != nil {
		return nil, wrap(op, cfg.Path, err)
	}
	lock, err := claim(folder.file(run.ID, lockSuffix), claimWait)
	if err != nil {
		return nil, wrap(op, cfg.Path, err)
	}
	run.Ended, run.End = instrument.RunRunning, time.Time{}
	s := &Spool{
		cfg: cfg, folder: folder, lock: lock, file: newDisk(), base: newDisk(),
		doc:      document{Format: documentFormat, Run: run},
		recorded: map[string]instrument.Counters{}, warned: map[string]bool{},
	}
	err = s.write(context.Background(), patience)
	if err == nil {
		folder.sync()
		return s, nil
	}
	if !errors.Is(err, errHangs) {
		err = errors.Join(err, unlockFile(lock, true))
	}
	return nil, wrap(op, cfg.Path, err)
}

// claim locks a name that others hold for instants only, waiting at most wait; errHeld after that.
func claim(path string, wait time.Duration) (*os.File, error) {
	for end := time.Now().Add(wait); ; <-time.After(time.Millisecond) {
		lock, err := lockFile(path)
		if !errors.Is(err, errHeld) || time.Now().After(end) {
			return lock, err
		}
	}
}

// Run keeps the spool up to date with what source returns until ctx ends, and then once more. It looks every
// Config.Checkpoint and writes when a counter has changed; every Config.History it also adds a point to the database, and
// merges what other processes have left. What fails is logged once and tried again; the error is that of the last
// checkpoint. Call Finish after it has returned.
func (s *Spool) Run(ctx context.Context, source func() []instrument.Snapshot) error {
	pause := min(firstCheckpoint, s.cfg.Checkpoint)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	history := time.Now().Add(s.cfg.History)
	for {
		select {
		case <-ctx.Done():
			return s.Checkpoint(source())
		case <-timer.C:
		}
		if err := s.checkpoint(ctx, patience, source()); err != nil {
			s.warn("usage could not be saved for now; it stays in memory", err)
		}
		if s.cfg.History > 0 && !time.Now().Before(history) {
			s.addHistory(ctx)
			history = time.Now().Add(s.cfg.History)
		}
		pause = min(2*pause, s.cfg.Checkpoint)
		timer.Reset(pause)
	}
}

// Checkpoint replaces the spool when a counter differs from the last one written. Snapshots hold one of each domain. Use it
// before network work at exit: what comes later can then only add. It returns within a quarter of a second also when the disk
// does not answer; the error is then ErrDisk, and what was begun may still be done.
func (s *Spool) Checkpoint(snapshots []instrument.Snapshot) error {
	return s.checkpoint(context.Background(), hangWait, snapshots)
}

func (s *Spool) checkpoint(ctx context.Context, wait time.Duration, snapshots []instrument.Snapshot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return &Error{Op: opSpool, Path: s.cfg.Path, Kind: ErrClosed, Advice: "the run has been finished"}
	}
	if !s.unsaved && sameCounters(s.doc.Snapshots, snapshots) {
		return nil
	}
	s.doc.Snapshots = snapshots
	s.unsaved = true
	return wrap(opSpool, s.cfg.Path, s.write(ctx, wait))
}

// write replaces the file by the document; s.mu is held or nobody else knows s yet.
func (s *Spool) write(ctx context.Context, wait time.Duration) error {
	if !s.file.take() {
		return errHangs
	}
	s.doc.Checkpoint = time.Now().UTC()
	if err := s.doc.encode(&s.buffer); err != nil {
		s.file.put()
		return err
	}
	run := s.doc.Run.ID
	err := s.file.do(ctx, wait, func() error { return s.folder.write(run, s.buffer.Bytes()) })
	s.unsaved = s.unsaved && err != nil
	return err
}

func sameCounters(before, now []instrument.Snapshot) bool {
	if len(before) != len(now) {
		return false
	}
	for i := range now {
		if before[i].Domain != now[i].Domain || before[i].Usage.Counters != now[i].Usage.Counters {
			return false
		}
	}
	return true
}

// warn logs what nobody is told otherwise, once for each class of error.
func (s *Spool) warn(text string, err error) {
	class := text
	if known, ok := errors.AsType[*Error](err); ok && known.Kind != nil {
		class += known.Kind.Error()
	}
	s.mu.Lock()
	again := s.warned[class]
	s.warned[class] = true
	s.mu.Unlock()
	if !again {
		s.cfg.Logger.Warn(text, slog.String("run", s.doc.Run.ID), slog.Any("cause", err))
	}
}

// ID returns the id of the run, by which it can be found later.
func (s *Spool) ID() string { return s.doc.Run.ID }
