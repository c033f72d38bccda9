// SPDX-License-Identifier: MIT

package instrument_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

var update = flag.Bool("update", false, "write schema.md anew")

// named is one name of the telemetry, as attributes.go says it.
type named struct {
	key, kind, meaning string
	metric             bool // of attributes: on metrics too
}

// readSchema reads the names of attributes and metrics out of the source that defines them.
func readSchema(t *testing.T) (attributes, metrics []named) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "attributes.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		name := spec.Names[0].Name
		isMetric := strings.HasPrefix(name, "metric")
		if !isMetric && !strings.HasPrefix(name, "attr") {
			return true
		}
		kind, meaning, found := strings.Cut(strings.TrimSpace(spec.Comment.Text()), ": ")
		if !found {
			t.Errorf("%s does not say what it means", name)
		}
		kind, onMetric := strings.CutSuffix(kind, ", metric")
		key, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		entry := named{key, kind, meaning, onMetric}
		if isMetric {
			metrics = append(metrics, entry)
		} else {
			attributes = append(attributes, entry)
		}
		return true
	})
	return attributes, metrics
}

// TestSchemaDocument holds schema.md to the source; go generate writes it.
func TestSchemaDocument(t *testing.T) {
	attributes, metrics := readSchema(t)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Telemetry schema %s\n\nMade of `attributes.go` by `go generate`.\n\n## Attributes\n\n| attribute | type | metrics | meaning |\n|---|---|---|---|\n", instrument.SchemaVersion)
	for _, a := range attributes {
		on := ""
		if a.metric {
			on = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.key, a.kind, on, a.meaning)
	}
	fmt.Fprint(&b, "\n## Metrics\n\n| metric | instrument | unit | meaning |\n|---|---|---|---|\n")
	for _, m := range metrics {
		kind, unit, _ := strings.Cut(m.kind, ", ")
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.key, kind, unit, m.meaning)
	}
	if *update {
		if err := os.WriteFile("schema.md", b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile("schema.md")
	if err != nil || !bytes.Equal(kept, b.Bytes()) {
		t.Errorf("schema.md is not what attributes.go says (%v): run go generate ./instrument", err)
	}
}

// instruments tells the kind of an instrument by its data.
func instruments(data metricdata.Aggregation) (kind string) {
	switch d := data.(type) {
	case metricdata.Histogram[float64], metricdata.Histogram[int64]:
		return "histogram"
	case metricdata.Sum[int64]:
		if d.IsMonotonic {
			return "counter"
		}
		return "up-down counter"
	}
	return fmt.Sprintf("%T", data)
}

// What leaves is what the schema says: every attribute is known and of its type, every metric has its instrument and its
// unit and a description, and carries nothing but the attributes that are meant for metrics.
func TestSchemaIsKept(t *testing.T) {
	t.Parallel()
	attributes, metrics := readSchema(t)
	known, measured, seen := map[string]named{}, map[string]named{}, map[string]bool{}
	for _, a := range attributes {
		known[a.key] = a
	}
	for _, m := range metrics {
		measured[m.key] = m
	}
	server, trust := company(t)
	w := newWatch(instrument.WithDBAttributes(), instrument.WithSpanLevel(instrument.LevelHashes))
	w.Declare("TEST", func() instrument.PoolStats {
		closed := [instrument.CloseReasons]uint64{instrument.CloseLifetime: 7, instrument.CloseShutdown: 5}
		return instrument.PoolStats{Max: 8, MaxIdle: 6, MinIdle: 9, Idle: 2, InUse: 3, Waiting: 1, Timeouts: 4, Closed: 12, ClosedFor: closed}
	})
	c := dial(t, w.Scope, server.URL(), instrument.WithTLS(trust), instrument.WithStartTLS())
	c.Waited(instrument.Timing{WaitPool: time.Millisecond})
	c.Lent(time.Millisecond)
	everything(t, w.Scope, c)
	w.Faulted(t.Context(), instrument.Fault{Domain: "TEST", Server: "dc1.example.org:389", Class: "refused", Reason: "nothing listens"})
	for _, span := range w.spans.Ended() {
		said := span.Attributes()
		for _, event := range span.Events() {
			said = append(said, event.Attributes...)
		}
		for _, kv := range said {
			seen[string(kv.Key)] = true
			a, ok := known[string(kv.Key)]
			kind := strings.ToLower(strings.TrimSuffix(strings.ReplaceAll(kv.Value.Type().String(), "INT64", "INT"), "SLICE"))
			if strings.HasSuffix(kv.Value.Type().String(), "SLICE") {
				kind += "[]"
			}
			if !ok || a.kind != kind {
				t.Errorf("span %s has %s as %s, the schema says %+v", span.Name(), kv.Key, kind, a)
			}
		}
	}
	var all metricdata.ResourceMetrics
	if err := w.metrics.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			want, ok := measured[m.Name]
			if kind := instruments(m.Data) + ", " + m.Unit; !ok || want.kind != kind || m.Description == "" {
				t.Errorf("metric %s is %s, %q; the schema says %+v", m.Name, kind, m.Description, want)
			}
			delete(measured, m.Name)
			for _, p := range w.points(t, m.Name) {
				for key := range p.attributes {
					seen[key] = true
					if !known[key].metric {
						t.Errorf("metric %s has the attribute %s", m.Name, key)
					}
				}
			}
		}
	}
	if len(measured) > 0 {
		t.Errorf("nothing was measured of %v", measured)
	}
	for key := range known {
		if !seen[key] {
			t.Errorf("nothing has the attribute %s", key)
		}
	}
	w.poolPoints(t)
}

// poolPoints holds every metric of the pool TEST to what it told.
func (w *watch) poolPoints(t *testing.T) {
	t.Helper()
	for _, want := range []struct {
		metric, key, value string
		count              int64
	}{
		{"open", "state", "idle", 2}, {"open", "state", "used", 3}, {"max", "", "", 8}, {"idle.max", "", "", 6}, {"idle.min", "", "", 9},
		{"pending_requests", "", "", 1}, {"timeouts", "", "", 4},
		{"closed", "reason", "idle", 0}, {"closed", "reason", "lifetime", 7}, {"closed", "reason", "error", 0},
		{"closed", "reason", "server", 0}, {"closed", "reason", "poisoned", 0}, {"closed", "reason", "shutdown", 5},
	} {
		found := false
		points := w.points(t, "ldap.client.connection."+want.metric)
		for _, p := range points {
			found = found || p.count == want.count && p.attributes["ldap.client.connection.pool.name"] == "TEST" &&
				(want.key == "" || p.attributes["ldap.client.connection."+want.key] == want.value)
		}
		if !found {
			t.Errorf("%+v is not among %v", want, points)
		}
	}
}

// everything asks for what gives each attribute of a span once.
func everything(t *testing.T, scope *instrument.Scope, c *instrument.Client) {
	t.Helper()
	ctx := t.Context()
	_ = c.BindUser(ctx, "EXAMPLE\\ada", "wrong")
	if err := c.Bind(ctx, "cn=Ada Lovelace,ou=people,dc=example,dc=org", "lovelace"); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Search(ctx, ldap.NewSearchRequest("", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)", nil, nil))
	_, _ = c.Search(ctx, ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeBaseObject, ldap.DerefAlways, 1, 1, true, "(objectClass=*)", nil, nil))
	_, _ = c.SearchPaged(ctx, search("(cn=*)", "cn"), 2)
	_, _ = c.Compare(ctx, "cn=Ada Lovelace,ou=people,dc=example,dc=org", "sn", "Lovelace")
	modify := ldap.NewModifyRequest("cn=nobody,dc=example,dc=org", nil)
	modify.Replace("sn", []string{"x"})
	_, _ = c.Modify(ctx, modify)
	_, _ = c.WhoAmI(ctx)
	_ = c.With(ctx).ExternalBind()
	odd := dial(t, scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			switch m.Op {
			case wire.DelRequest:
				s.answer(m, 10)
			case wire.SearchRequest:
				s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://elsewhere/") })
				s.answer(m, 0)
			case wire.BindRequest:
				locked := []byte{0x30, 8, 0xa0, 3, 0x80, 1, 5, 0x81, 1, 1}
				s.answer(m, 49, wire.Control{OID: ldap.ControlTypeBeheraPasswordPolicy, Value: locked})
			}
		}
	}))
	_ = odd.Delete(ctx, deletion("/a"))
	_, _ = odd.Search(ctx, search("(cn=*)"))
	_ = odd.Bind(ctx, "cn=a", "b")
	_ = c.Close(ctx)
}
