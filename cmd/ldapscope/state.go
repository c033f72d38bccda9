// SPDX-License-Identifier: MIT

package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// stateFolder is where the program keeps what must outlive it.
func stateFolder(env map[string]string) string {
	if folder := env["XDG_STATE_HOME"]; filepath.IsAbs(folder) {
		return filepath.Join(folder, "ldapscope")
	}
	if home := env["HOME"]; home != "" {
		return filepath.Join(home, ".local", "state", "ldapscope")
	}
	if folder := env["LOCALAPPDATA"]; folder != "" {
		return filepath.Join(folder, "ldapscope")
	}
	return filepath.Join(os.TempDir(), "ldapscope")
}

func defaultDatabase(env map[string]string) string {
	return filepath.Join(stateFolder(env), "usage.db")
}

// chooseToken takes the panel's token from the flag, the environment or a file, or makes one.
func chooseToken(flag, file string, env map[string]string) (string, error) {
	switch {
	case flag != "":
		return flag, nil
	case env["LDAPSCOPE_TOKEN"] != "":
		return env["LDAPSCOPE_TOKEN"], nil
	case file != "":
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("the token file cannot be read: %w", err)
		}
		token := strings.TrimSpace(string(content))
		if len(token) < 16 {
			return "", fmt.Errorf("the token in %s is shorter than 16 characters", file)
		}
		return token, nil
	}
	token := make([]byte, 16)
	_, _ = rand.Read(token) // never fails, see crypto/rand
	return hex.EncodeToString(token), nil
}

// runningPanel is what ldapscope url finds of a running program.
type runningPanel struct {
	PID  int    `json:"pid"`
	Link string `json:"link"`
}

func runningFile(env map[string]string) string { return filepath.Join(stateFolder(env), "panel.json") }

// announce leaves the panel's link for ldapscope url, readable by the owner alone. remove takes it back: what was there
// before comes again while its program runs.
func announce(env map[string]string, link string) (remove func(), err error) {
	path := runningFile(env)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return func() {}, err
	}
	before, known := readRunning(path)
	content, err := json.Marshal(runningPanel{os.Getpid(), link})
	if err != nil {
		return func() {}, err
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return func() {}, err
	}
	return func() {
		current, err := readRunning(path)
		if err != nil || current.PID != os.Getpid() {
			return // a later program's
		}
		if known == nil && before.PID != os.Getpid() && before.alive() {
			if content, err := json.Marshal(before); err == nil {
				_ = os.WriteFile(path, content, 0o600)
			}
			return
		}
		_ = os.Remove(path) // the next program overwrites it
	}, nil
}

func readRunning(path string) (p runningPanel, err error) {
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, &p)
	}
	return p, err
}

func (p runningPanel) alive() bool {
	process, err := os.FindProcess(p.PID)
	return err == nil && alive(process)
}

func urlCommand(s *surroundings) *cobra.Command {
	return &cobra.Command{
		Use: "url", Short: "Print the link of the running panel", Args: noArguments,
		Long: "Print the link of the panel that was started last on this machine by this\nuser, with its token.",
		RunE: func(*cobra.Command, []string) error {
			p, err := readRunning(runningFile(s.env))
			if os.IsNotExist(err) {
				return errors.New("no panel is running; start one with ldapscope demo or ldapscope serve")
			}
			if err != nil {
				return fmt.Errorf("reading the link of the running panel: %w", err)
			}
			if !p.alive() {
				return fmt.Errorf("the panel of process %d is gone: %w", p.PID, fs.ErrNotExist)
			}
			_, err = fmt.Fprintln(s.stdout, p.Link)
			return err
		},
	}
}
