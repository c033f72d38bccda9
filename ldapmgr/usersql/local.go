// SPDX-License-Identifier: MIT

package usersql

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ldapscope/ldapscope/ldapmgr"
)

// ErrPassword marks a local name or password that is wrong.
var ErrPassword = errors.New("local name or password is wrong")

// AddLocal creates an account that belongs to no directory. An empty password lets nobody log in with it. It is
// ldapmgr.ErrNameTaken where there is an account of that name.
func (s *Store) AddLocal(ctx context.Context, name, password string) (id string, err error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", errors.New("an account needs a name")
	}
	var hash *string
	if password != "" {
		text, err := s.hashed(password)
		if err != nil {
			return "", err
		}
		hash = &text
	}
	var n int64
	err = repeat(func() (bool, error) {
		n, err = s.newAccount(ctx, s.db, name, hash)
		return true, err
	})
	if err != nil {
		return "", fmt.Errorf("adding a local account: %w", err)
	}
	return strconv.FormatInt(n, 10), nil
}

// SetPassword gives an account a local password, or takes it away when it is empty. Accounts of a directory need none.
func (s *Store) SetPassword(ctx context.Context, name, password string) error {
	q := s.say("UPDATE {user} SET password = NULL")
	if password != "" {
		text, err := s.hashed(password)
		if err != nil {
			return err
		}
		q = s.say("UPDATE {user} SET password = ").with(text)
	}
	changed, err := s.write(ctx, q.add(" WHERE name_fold = ").with(fold(name)))
	if err != nil {
		return fmt.Errorf("setting a local password: %w", err)
	}
	if changed == 0 {
		return ErrNotFound
	}
	return nil
}

// CheckPassword logs in with a local password: the fallback beside a directory. It takes as long for an unknown name as
// for a wrong password. Accounts that are not active are refused.
func (s *Store) CheckPassword(ctx context.Context, name, password string) (ldapmgr.Stored, error) {
	var stored sql.NullString
	err := s.say("SELECT password FROM {user} WHERE name_fold = ").with(fold(strings.TrimSpace(name))).value(ctx, s.db, &stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return ldapmgr.Stored{}, fmt.Errorf("checking a local password: %w", err)
	}
	if !s.matches(stored.String, password) {
		return ldapmgr.Stored{}, ErrPassword
	}
	account, found, err := s.Named(ctx, "", strings.TrimSpace(name))
	if err != nil {
		return ldapmgr.Stored{}, err
	}
	if !found || !account.Flags[ldapmgr.ActiveFlag] {
		return ldapmgr.Stored{}, ErrPassword
	}
	return account, nil
}

// Link says that an existing account is a person of a directory.
func (s *Store) Link(ctx context.Context, id string, u *ldapmgr.User) error {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return ErrNotFound
	}
	changed, err := s.write(ctx, s.say("INSERT INTO {ldap_user} (user_id, domain, guid, dn) SELECT id, ").with(fold(u.Domain), u.Key, u.DN).
		add(" FROM {user} WHERE id = ").with(n))
	if err != nil {
		return fmt.Errorf("linking an account: %w", err)
	}
	if changed == 0 {
		return ErrNotFound
	}
	return nil
}

func (s *Store) hashed(password string) (string, error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	sum, err := pbkdf2.Key(sha256.New, password, salt, s.rounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("pbkdf2-sha256$%d$%s$%s", s.rounds, encode(salt), encode(sum)), nil
}

// matches compares a password with what hashed made. It works as long when there is nothing to compare with.
func (s *Store) matches(stored, password string) bool {
	parts := strings.Split(stored, "$")
	salt, want, times := make([]byte, 16), []byte(nil), s.rounds
	if len(parts) == 4 && parts[0] == "pbkdf2-sha256" {
		salt, _ = base64.RawStdEncoding.DecodeString(parts[2])
		want, _ = base64.RawStdEncoding.DecodeString(parts[3])
		times, _ = strconv.Atoi(parts[1])
	}
	sum, err := pbkdf2.Key(sha256.New, password, salt, max(times, 1), sha256.Size)
	return err == nil && password != "" && subtle.ConstantTimeCompare(sum, want) == 1
}
