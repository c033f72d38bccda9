// SPDX-License-Identifier: MIT

package metricsdb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The files of one run in the folder of spools. The lock is a file of its own because the data is replaced by renaming,
// and a lock belongs to the file, not to its name.
const (
	dataSuffix = ".json"
	lockSuffix = ".lock"
	tempSuffix = ".tmp"
	deadSuffix = ".damaged"
)

// spoolFolder is the folder of spools beside a database.
type spoolFolder string

func spoolsOf(path string) spoolFolder { return spoolFolder(path + ".spool") }

func (f spoolFolder) file(run, suffix string) string { return filepath.Join(string(f), run+suffix) }

// adoption and quarantine are locks of the whole folder; no run has a name with a dot.
func (f spoolFolder) adoption() string   { return filepath.Join(string(f), ".adoption") }
func (f spoolFolder) quarantine() string { return filepath.Join(string(f), ".quarantine") }

// checkRunID keeps a run's name usable as the name of a file everywhere.
func checkRunID(id string) error {
	foreign := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}
	if id == "" || len(id) > 100 || strings.ContainsFunc(id, foreign) {
		return fmt.Errorf("the run id %.100q is not made of 1 to 100 letters, digits, - and _", id)
	}
	return nil
}

// runs lists the runs that have data, a lock or both, in order of name. A missing folder has none.
func (f spoolFolder) runs() ([]string, error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("list the spools in", string(f), err)
	}
	var runs []string
	for _, e := range entries {
		for _, suffix := range []string{dataSuffix, lockSuffix} {
			if run, ok := strings.CutSuffix(e.Name(), suffix); ok && checkRunID(run) == nil {
				runs = append(runs, run)
			}
		}
	}
	slices.Sort(runs)
	return slices.Compact(runs), nil
}

// has reports whether the run has data here.
func (f spoolFolder) has(run string) bool {
	_, err := os.Stat(f.file(run, dataSuffix))
	return err == nil
}

// read returns a run's document; fs.ErrNotExist when it has none.
func (f spoolFolder) read(run string) (document, error) {
	file, err := os.Open(f.file(run, dataSuffix))
	if err != nil {
		return document{}, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, documentLimit+1))
	if err != nil {
		return document{}, err
	}
	if len(data) > documentLimit {
		return document{}, errTorn
	}
	d, err := decodeDocument(data)
	if err == nil && d.Run.ID != run {
		return document{}, fmt.Errorf("%w: holds another run", errTorn)
	}
	return d, err
}

// write replaces a run's document: after a crash at any instant the file is the old one or the new one, whole.
func (f spoolFolder) write(run string, data []byte) error {
	temp := f.file(run, tempSuffix)
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return os.Rename(temp, f.file(run, dataSuffix))
}

// sync makes names that were added or removed outlive a loss of power. Not every system can do that to a folder; where
// it cannot, nothing else is lost.
func (f spoolFolder) sync() {
	if folder, err := os.Open(string(f)); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
}

// setAside renames data that cannot be read, so that it blocks nothing and stays for whoever wants to look.
func (f spoolFolder) setAside(run string) (string, error) {
	to := f.file(run, deadSuffix+"-"+time.Now().UTC().Format(timeInName))
	return to, os.Rename(f.file(run, dataSuffix), to)
}

// clear removes a run's data and what an interrupted write has left. The caller holds its lock.
func (f spoolFolder) clear(run string) error {
	for _, suffix := range []string{dataSuffix, tempSuffix} {
		if err := os.Remove(f.file(run, suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
