// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Secret is where a password comes from. At most one source may be set; none means no password. It is read again for
// every bind, so that a rotated secret works without a restart. It never prints what it holds.
type Secret struct {
	Value string                                                   // the secret itself
	Env   string                                                   // name of an environment variable
	File  string                                                   // path of a file; line ends at its end are cut
	Exec  []string                                                 // program and arguments, run without a shell; its output, line ends at the end cut
	Func  func(ctx context.Context, domain string) (string, error) // called with the domain's name
}

const (
	hidden      = "[hidden]"
	secretBytes = 64 << 10
	secretTime  = 5 * time.Second
)

// String hides the secret.
func (Secret) String() string { return hidden }

// Format hides the secret from every verb of package fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText hides the secret from JSON, XML and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the secret from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// IsZero reports whether no source is set.
func (s Secret) IsZero() bool { return len(s.sources()) == 0 }

// Source says in words where the secret comes from, without the secret: "environment variable X".
func (s Secret) Source() string {
	switch {
	case s.Value != "":
		return "the configuration itself"
	case s.Env != "":
		return "environment variable " + s.Env
	case s.File != "":
		return "file " + s.File
	case len(s.Exec) > 0:
		return "program " + s.Exec[0]
	case s.Func != nil:
		return "the application"
	}
	return "nowhere"
}

func (s Secret) sources() (set []string) {
	for _, source := range []struct {
		name string
		set  bool
	}{{"value", s.Value != ""}, {"env", s.Env != ""}, {"file", s.File != ""}, {"exec", len(s.Exec) > 0}, {"func", s.Func != nil}} {
		if source.set {
			set = append(set, source.name)
		}
	}
	return set
}

// Read returns the secret as it is now. Errors name the source and never hold what it gave.
func (s Secret) Read(ctx context.Context, domain string) (string, error) {
	text, err := s.read(ctx, domain)
	if err != nil {
		return "", fmt.Errorf("reading the password from %s: %w", s.Source(), err)
	}
	if text == "" && !s.IsZero() {
		return "", fmt.Errorf("reading the password from %s: it is empty", s.Source())
	}
	return text, nil
}

func (s Secret) read(ctx context.Context, domain string) (string, error) {
	switch {
	case s.Value != "":
		return s.Value, nil
	case s.Env != "":
		text, ok := os.LookupEnv(s.Env)
		if !ok {
			return "", errors.New("it is not set")
		}
		return text, nil
	case s.File != "":
		return readSecretFile(ctx, s.File)
	case len(s.Exec) > 0:
		return runSecret(ctx, s.Exec)
	case s.Func != nil:
		return s.Func(ctx, domain)
	}
	return "", nil
}

// readSecretFile does not wait for ever where the file is a pipe.
func readSecretFile(ctx context.Context, path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	until := time.Now().Add(secretTime)
	if deadline, has := ctx.Deadline(); has && deadline.Before(until) {
		until = deadline
	}
	_ = f.SetReadDeadline(until) // files that are none of this kind have no deadline, and need none
	return boundedSecret(f)
}

func boundedSecret(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, secretBytes+1))
	if err != nil {
		return "", err
	}
	if len(text) > secretBytes {
		return "", fmt.Errorf("it is longer than %d bytes", secretBytes)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// runSecret runs a program for its output. What it prints is a secret, also on stderr, so that errors show neither.
func runSecret(ctx context.Context, argv []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, secretTime)
	defer cancel()
	program := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // running what the administrator configured is the purpose
	program.WaitDelay = time.Second
	out, err := program.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := program.Start(); err != nil {
		return "", err
	}
	text, readErr := boundedSecret(out)
	if readErr != nil {
		cancel()
	}
	return text, errors.Join(readErr, program.Wait())
}
