// SPDX-License-Identifier: MIT

package metricsdb

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Config says where usage is kept and how often. It is copied; later changes have no effect.
type Config struct {
	Path        string        // database file, links are followed; its spools are in the folder Path + ".spool"; required
	ReadOnly    bool          // answer questions only: create, migrate, merge and quarantine nothing; default false
	Existing    bool          // of Open: merge what lies there, but create no database where there is no usage and set none aside; default false
	Logger      *slog.Logger  // warnings that no caller gets as an error; default none
	Checkpoint  time.Duration // how often Spool.Run looks for changed counters, at least a millisecond; default 1 s
	History     time.Duration // how often Spool.Run adds a point to the history of a live run; negative for none; default 1 min
	BusyTimeout time.Duration // how long a change waits for another process's; merging never waits longer than 250 ms; default 5 s
}

// mergeWait bounds how long a question waits for the write lock before it answers from the spools as they lie.
const mergeWait = 250 * time.Millisecond

// followed returns what a symbolic link leads to, also when nothing is there yet: SQLite names its files after that, and so
// must spools and what is set aside, by whichever name a process knows the database.
func followed(path string) string {
	const most = 40 // links in a row, after which the system gives up too
	for range most {
		to, err := os.Readlink(path)
		if err != nil {
			return path
		}
		if !filepath.IsAbs(to) {
			folder, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return path
			}
			to = filepath.Join(folder, to)
		}
		path = to
	}
	return path
}

func (c Config) withDefaults() (Config, error) {
	if c.Path == "" {
		return c, &Error{Op: "find the usage database", Kind: ErrNoPath, Advice: "name a file"}
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return c, wrap("find the usage database", c.Path, err)
	}
	c.Path = followed(path)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Checkpoint <= 0 {
		c.Checkpoint = time.Second
	}
	c.Checkpoint = max(c.Checkpoint, time.Millisecond)
	if c.History == 0 {
		c.History = time.Minute
	}
	if c.BusyTimeout <= 0 {
		c.BusyTimeout = 5 * time.Second
	}
	return c, nil
}
