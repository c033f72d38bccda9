// SPDX-License-Identifier: MIT

package app

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// visits are what Traffic does over and over, like a few people who work with the app.
var visits = []struct {
	path string
	form url.Values // posted when not nil
}{
	{"/login", url.Values{"username": {"ada"}, "password": {"lovelace"}}},
	{"/people?q=Engineering", nil},
	{"/profile", nil},
	{"/groups", nil},
	{"/people?q=ada", nil},
	{"/computers", nil},
	{"/computers", url.Values{"dn": {"cn=PC-0001,ou=computers,dc=example,dc=org"}, "description": {"desk by the window"}}},
	{"/login", url.Values{"username": {"dora"}, "password": {"lovelace"}}},
	{"/failing", nil},
	{"/people", nil},
	{"/computers", url.Values{"dn": {"cn=PC-0001,ou=computers,dc=example,dc=org"}, "description": {"desk 2"}}},
	{"/slow", nil},
}

const visitPause = 900 * time.Millisecond

// Traffic uses the application at base gently until ctx ends. What fails is seen in the panel and nowhere else.
func Traffic(ctx context.Context, base string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, Timeout: 10 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	pause := time.NewTimer(100 * time.Millisecond)
	defer pause.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		visit := visits[i%len(visits)]
		method, body := http.MethodGet, ""
		if visit.form != nil {
			method, body = http.MethodPost, visit.form.Encode()
		}
		request, err := http.NewRequestWithContext(ctx, method, base+visit.path, strings.NewReader(body))
		if err != nil {
			return err
		}
		if visit.form != nil {
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if answer, err := client.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
		pause.Reset(visitPause)
	}
}
