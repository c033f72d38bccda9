// SPDX-License-Identifier: MIT

package samba

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	turnLimit    = 3 * time.Minute     // wait for another process that sets the same domain up
	unusedFor    = 30 * 24 * time.Hour // after which a domain is forgotten
	setUpSetting = "setup.conf"        // smb.conf while the domain is set up
)

// provisioned returns a folder with the domain of cfg that no server has run on. An empty domain, which takes longest, is
// kept too, for every other content.
func provisioned(shelf string, t tools, cfg Config) (string, error) {
	content, err := changesFor(cfg)
	if err != nil {
		return "", err
	}
	version, err := exec.Command(t.server, "--version").Output() //nolint:gosec // found by require; it only prints
	if err != nil {
		return "", fmt.Errorf("ask for its version: %w", err)
	}
	domain := key(version, []byte(cfg.Realm), []byte(cfg.NetBIOS))
	full := key([]byte(domain), content.Main, content.Times)
	return keep(shelf, full, func(dir string) error {
		empty, err := keep(shelf, domain, func(dir string) error { return setUp(t, cfg, dir) })
		if err != nil {
			return err
		}
		if err := os.CopyFS(dir, os.DirFS(empty)); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, setUpSetting), []byte(smbConf(cfg, dir)), 0o600); err != nil {
			return err
		}
		return content.apply(t, dir)
	})
}

// keep returns the folder of that name on the shelf, and fills it when it is not there yet. It is there whole or not at all.
func keep(shelf, name string, fill func(dir string) error) (string, error) {
	kept := filepath.Join(shelf, name)
	turn, err := await(kept + ".lock")
	if err != nil {
		return "", err
	}
	defer turn.release()
	if _, err := os.Stat(kept); err == nil {
		now := time.Now()
		return kept, os.Chtimes(kept, now, now)
	}
	forget(shelf)
	work, err := os.MkdirTemp(shelf, "new")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work) // when something failed, or else to no effect
	if err := fill(work); err != nil {
		return "", err
	}
	return kept, os.Rename(work, kept)
}

// shelf is the folder that holds the domains, and beside them the servers that run, by address.
func shelf() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil { // no home, as in a container
		cache = os.TempDir()
	}
	path := filepath.Join(cache, "ldapscope", "samba")
	return path, os.MkdirAll(path, 0o700)
}

// key stands for all that a domain on disk depends on.
func key(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d ", len(p))
		h.Write(p)
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:24]
}

// await locks a file as soon as nobody else holds it.
func await(path string) (*lock, error) {
	deadline := time.NewTimer(turnLimit)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		l, err := tryLock(path)
		if l != nil || err != nil {
			return l, err
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return nil, fmt.Errorf("another process has been setting this domain up for %v and holds %s", turnLimit, path)
		}
	}
}

// forget removes domains that nobody has used for long, and what killed processes left behind.
func forget(shelf string) {
	entries, _ := os.ReadDir(shelf) // without it nothing is forgotten
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && e.IsDir() && time.Since(info.ModTime()) > unusedFor {
			_ = os.RemoveAll(filepath.Join(shelf, e.Name()))
		}
	}
}

// setUp makes an empty domain.
func setUp(t tools, cfg Config, dir string) error {
	settings := filepath.Join(dir, setUpSetting)
	if err := os.WriteFile(settings, []byte("[global]\n"), 0o600); err != nil { // else the machine's own would be read
		return err
	}
	return execute(nil, t.admin, "domain", "provision", "--configfile="+settings, "--targetdir="+dir, "--realm="+cfg.Realm, "--domain="+cfg.NetBIOS,
		"--host-name="+machine, "--host-ip=127.0.0.1", "--server-role=dc", "--adminpass="+adminPassword, "--dns-backend=NONE", "--use-rfc2307")
}

// execute runs one of Samba's programs; its output is part of the error.
func execute(environment []string, program string, args ...string) error {
	cmd := exec.Command(program, args...) //nolint:gosec // found by findTools; it ends by itself
	cmd.Env = append(os.Environ(), environment...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args[:min(2, len(args))], " "), err, output)
	}
	return nil
}
