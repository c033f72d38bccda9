// SPDX-License-Identifier: MIT

package ldapmgr_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/ldapmgr"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
)

// TestCallersMistakesAreNoFaults: what a caller asks wrongly is an error for the caller and nothing that is wrong with a server.
func TestCallersMistakesAreNoFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := start(t, 2, small)
		w := toldDomain(t, n.config(2))
		_ = w.search(t)
		for name, call := range map[string]func(ctx context.Context) error{
			"filter": func(ctx context.Context) error { _, err := w.domain.Search(ctx, people("(((")); return err },
			"filter of a paged search": func(ctx context.Context) error {
				_, err := w.domain.SearchPaged(ctx, people("(a=\\zz)"), 10)
				return err
			},
			"base": func(ctx context.Context) error {
				_, err := w.domain.Search(ctx, ldap.NewSearchRequest("no dn at all", 2, 0, 0, 0, false, "(cn=*)", nil, nil))
				return err
			},
			"change": func(ctx context.Context) error {
				return w.domain.Do(ctx, func(ctx context.Context, c *instrument.Client) error {
					return c.Delete(ctx, ldap.NewDelRequest("cn=x", nil))
				})
			},
			"own error": func(ctx context.Context) error {
				return w.domain.Do(ctx, func(context.Context, *instrument.Client) error { return errors.New("mine") })
			},
			"time": func(ctx context.Context) error {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				_, err := w.domain.Search(ctx, people("(ou=people)"))
				return err
			},
		} {
			if err := w.within(t, call); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		w.want(t, "")
	})
}

// TestReadOnlyKeepsBackUnknownOperations: an extended operation that nobody here knows may change anything.
func TestReadOnlyKeepsBackUnknownOperations(t *testing.T) {
	t.Parallel()
	for _, readOnly := range []bool{true, false} {
		c := bound(ldaptest.Start(t, small()).URL())
		c.ReadOnly = &readOnly
		d, _ := domain(t, c)
		for oid, change := range map[string]bool{
			"1.3.6.1.4.1.4203.1.11.3":         false, // who am I
			"1.3.6.1.4.1.1466.101.119.1":      true,  // refresh of a dynamic entry (RFC 2589)
			"2.16.840.1.113730.3.5.7":         true,  // bulk import of 389 Directory Server
			"1.3.6.1.4.1.4203.1.11.1":         true,  // password modify
			"1.2.3.4.5.6.7.8.9.10.11.12.1.13": true,
		} {
			err := d.Do(t.Context(), func(_ context.Context, c *instrument.Client) error {
				_, err := c.Conn().Extended(ldap.NewExtendedRequest(oid, nil))
				return err
			})
			if kept := err != nil && strings.Contains(err.Error(), ldapmgr.ErrReadOnly.Error()); kept != (change && readOnly) {
				t.Errorf("read-only %v: %s: %v", readOnly, oid, err)
			}
		}
	}
}

// TestBindsOfNobody: a bind without a name may be anonymous, and is no login.
func TestBindsOfNobody(t *testing.T) {
	t.Parallel()
	server := ldaptest.Start(t, small())
	d, scope := domain(t, bound(server.URL()))
	for _, name := range []string{"", " ", "\t"} {
		err := d.BindAs(t.Context(), name, "secret")
		as := d.DoAs(t.Context(), name, "secret", nothing)
		if !errors.Is(err, ldapmgr.ErrInvalidCredentials) || !errors.Is(as, ldapmgr.ErrInvalidCredentials) {
			t.Errorf("%q: %v, %v", name, err, as)
		}
	}
	if s := scope.Snapshots(); len(s) > 0 && s[0].Usage.BindOperations != 0 {
		t.Errorf("%d binds were sent", s[0].Usage.BindOperations)
	}
}

// TestSecretFromPipe: a file with a password that is a pipe nobody writes to keeps neither a call nor Close.
func TestSecretFromPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	c := bound(ldaptest.Start(t, small()).URL())
	c.Bind.Password = ldapmgr.Secret{File: path}
	d, _ := domain(t, c)
	begin := time.Now()
	ended := make(chan error, 1)
	go func() { // ends with the call, or with the writer below
		ended <- d.Preload(context.Background())
	}()
	select {
	case err := <-ended:
		if err == nil || time.Since(begin) > 7*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a call waits for a password for ever")
	}
	if fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil { // somebody reads still: let Close end
		t.Error("the pipe is still read")
		_ = syscall.Close(fd)
	}
}
