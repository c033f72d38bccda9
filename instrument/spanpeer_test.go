// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// A span names the controls of its own request and of its own answer, which differ from one page to the next, and those
// of an answer that is a failure too. What an answer does not have is not there.
func TestSpansNameControls(t *testing.T) {
	t.Parallel()
	many := make([]wire.Control, 20)
	for i := range many {
		many[i] = wire.Control{OID: "1.2." + strings.Repeat("3", i+1)}
	}
	tests := []struct {
		name   string
		answer []wire.Control
		code   int64
		want   string
	}{
		{"none", nil, 0, ""},
		{"one", []wire.Control{{OID: wire.OIDSortResponse}}, 0, `["1.2.840.113556.1.4.474"]`},
		{"of a refusal", []wire.Control{{OID: ldap.ControlTypeBeheraPasswordPolicy, Value: []byte{0x30, 0}}, {OID: "1.2.3"}}, 50, `["1.3.6.1.4.1.42.2.27.8.5.1","1.2.3"]`},
		{"no OID", []wire.Control{{OID: "cn=Ada"}}, 0, `["?"]`},
		{"many", many, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWatch()
			c := dial(t, w.Scope, serve(t, then(func(s *session, m wire.Message) { s.answer(m, test.code, test.answer...) })))
			_ = c.Delete(t.Context(), ldap.NewDelRequest("cn=a", []ldap.Control{ldap.NewControlManageDsaIT(true)}))
			span := attributes(w.span(t, "delete").Attributes())
			if got := span["ldap.request.controls"]; got != `["2.16.840.1.113730.3.4.2"]` {
				t.Errorf("request controls %s", got)
			}
			got, has := span["ldap.response.controls"]
			if len(test.answer) > 16 {
				if n := strings.Count(got, ",") + 1; n != 16 {
					t.Errorf("%d controls are listed, want 16", n)
				}
				return
			}
			if got != test.want || has != (test.want != "") {
				t.Errorf("response controls %q, want %q", got, test.want)
			}
		})
	}
}

// A span says which socket was at the other end: for a connection to a name, and for one that the application made itself.
func TestSpansNameThePeer(t *testing.T) {
	t.Parallel()
	w := newWatch()
	server := serve(t, then(func(s *session, m wire.Message) { s.answer(m, 0) }))
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	_ = dial(t, w.Scope, "ldap://name.test:3890", instrument.WithDialer(func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, at.Host)
	})).Delete(t.Context(), deletion("/a"))
	span := attributes(w.span(t, "delete").Attributes())
	for key, want := range map[string]string{
		"server.address": "name.test", "server.port": "3890", "network.peer.address": "127.0.0.1", "network.peer.port": at.Port(), "network.type": "ipv4",
	} {
		if span[key] != want {
			t.Errorf("%s is %q, want %q", key, span[key], want)
		}
	}
}
