// SPDX-License-Identifier: MIT

package metricsdb

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// quarantine renames a damaged file with its log aside and puts an empty one in its place, once however many processes
// have found the damage: the first to get the lock does it, the others find a sound file or come back later.
func quarantine(ctx context.Context, cfg Config, wait time.Duration) error {
	folder := spoolsOf(cfg.Path)
	lock, err := claim(folder.quarantine(), wait)
	if errors.Is(err, errHeld) {
		return &Error{Op: opOpen, Path: cfg.Path, Kind: ErrBusy, Cause: errReplaced, Advice: "another process is setting the damaged file aside"}
	}
	if err != nil {
		return wrap("set aside the damaged usage database", cfg.Path, err)
	}
	err = quarantineLocked(ctx, cfg, wait)
	return errors.Join(err, wrap("set aside the damaged usage database", cfg.Path, unlockFile(lock, false)))
}

func quarantineLocked(ctx context.Context, cfg Config, wait time.Duration) error {
	again, err := tryStore(ctx, cfg, wait)
	if err == nil {
		err = errors.Join(again.check(ctx), again.close())
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	aside := cfg.Path + deadSuffix + "-" + time.Now().UTC().Format(timeInName)
	for _, part := range []string{"-shm", "-wal", ""} { // the file last: until then a crash leaves the damage to be found again
		if err := os.Rename(cfg.Path+part, aside+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return wrap("set aside the damaged usage database", cfg.Path, err)
		}
	}
	cfg.Logger.Warn("usage database was damaged; it was set aside and a new one started", slog.String("path", cfg.Path), slog.String("aside", aside))
	return wrap(opOpen, cfg.Path, createFile(cfg.Path))
}
