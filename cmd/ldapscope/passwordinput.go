// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// passwordVariable is where a password may stand for programs that cannot type.
const passwordVariable = "LDAPSCOPE_PASSWORD"

// passwordHelp tells where passwords come from. None is ever taken from the command line, which other users can read.
const passwordHelp = `The password is asked for on a terminal, without showing it. Programs put it
into ` + passwordVariable + ` or write it to stdin as one line.`

// password reads the password of a person: from the environment, from a terminal, or the first line of stdin.
func (s *surroundings) password(ctx context.Context, prompt string) (string, error) {
	if password, set := s.env[passwordVariable]; set {
		return password, nil
	}
	if on, is := s.stdin.(*os.File); is && term.IsTerminal(int(on.Fd())) {
		return s.typed(ctx, int(on.Fd()), prompt)
	}
	line, err := bufio.NewReader(io.LimitReader(s.stdin, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password from stdin: %w", err)
	}
	if line == "" {
		return "", usageError{errors.New("there is no password: type it on a terminal, set " + passwordVariable + ", or write it to stdin")}
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// typed asks on a terminal that does not show what is typed, and leaves it as it was, also when ctx ends meanwhile.
func (s *surroundings) typed(ctx context.Context, terminal int, prompt string) (string, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return "", fmt.Errorf("the terminal cannot be asked for a password: %w", err)
	}
	fmt.Fprint(s.stderr, prompt)
	type answer struct {
		password []byte
		err      error
	}
	typed := make(chan answer, 1)
	go func() { // ends with the line, or with the process
		password, err := term.ReadPassword(terminal)
		typed <- answer{password, err}
	}()
	select {
	case a := <-typed:
		fmt.Fprintln(s.stderr)
		if a.err != nil {
			return "", fmt.Errorf("reading the password: %w", a.err)
		}
		return string(a.password), nil
	case <-ctx.Done():
		_ = term.Restore(terminal, before) // the program ends; there is nobody to tell
		fmt.Fprintln(s.stderr)
		return "", context.Cause(ctx)
	}
}
