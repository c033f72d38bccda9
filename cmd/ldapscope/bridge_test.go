// SPDX-License-Identifier: MIT

package main_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/metricsdb"
)

// account is what happened in a period, as snapshots and metrics both tell it.
type account struct {
	Operations map[string]uint64 // by kind
	Codes      map[int64]uint64
	Errors     uint64
	Entries    uint64
	Sent       uint64
	Received   uint64
	Seconds    map[string]float64 // by kind, rounded to nanoseconds
	Active     int64
}

func newAccount() account {
	return account{Operations: map[string]uint64{}, Codes: map[int64]uint64{}, Seconds: map[string]float64{}}
}

// ofSnapshot reads a snapshot as it comes back from the database.
func ofSnapshot(s instrument.Snapshot) account {
	a, u := newAccount(), s.Usage
	for kind, n := range map[string]uint64{
		"bind": u.BindOperations, "search": u.SearchOperations, "compare": u.CompareOperations, "modify": u.ModifyOperations,
		"add": u.AddOperations, "delete": u.DeleteOperations, "modify_dn": u.ModifyDNOperations, "extended": u.ExtendedOperations,
		"unbind": u.UnbindOperations, "abandon": u.AbandonOperations,
	} {
		if n > 0 {
			a.Operations[kind] = n
		}
	}
	for code, n := range s.Codes {
		a.Codes[code] = n
	}
	for kind, l := range s.Latency {
		a.Seconds[kind] = round(l.Sum.Seconds())
	}
	a.Errors, a.Entries, a.Sent, a.Received = u.Errors, u.Entries, u.BytesTransmitted, u.BytesReceived
	return a
}

func round(seconds float64) float64 { return math.Round(seconds*1e9) / 1e9 }

// ofMetrics reads what an exporter would get.
func ofMetrics(t *testing.T, reader metric.Reader) account {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	a := newAccount()
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					if m.Name == "ldap.client.operation.duration" {
						a.addDuration(p)
					}
				}
			case metricdata.Histogram[int64]:
				for _, p := range data.DataPoints {
					if m.Name == "ldap.client.response.entries" {
						a.Entries += uint64(p.Sum)
					}
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					switch direction, _ := p.Attributes.Value("network.io.direction"); {
					case m.Name == "ldap.client.active_requests":
						a.Active += p.Value
					case direction.AsString() == "transmit":
						a.Sent += uint64(p.Value)
					case direction.AsString() == "receive":
						a.Received += uint64(p.Value)
					}
				}
			}
		}
	}
	for kind, s := range a.Seconds {
		a.Seconds[kind] = round(s)
	}
	return a
}

func (a *account) addDuration(p metricdata.HistogramDataPoint[float64]) {
	value := func(key attribute.Key) (attribute.Value, bool) { return p.Attributes.Value(key) }
	kind, _ := value("ldap.operation.name")
	a.Operations[kind.AsString()] += p.Count
	if name := kind.AsString(); name != "unbind" && name != "abandon" { // which nothing answers
		a.Seconds[name] += p.Sum
	}
	if code, has := value("ldap.response.status_code"); has {
		a.Codes[code.AsInt64()] += p.Count
	}
	if _, failed := value("error.type"); failed {
		a.Errors += p.Count
	}
}

// TestBridge holds what is saved to be what the metrics of OpenTelemetry report for the same period, figure by figure.
func TestBridge(t *testing.T) {
	t.Parallel()
	directory := ldaptest.Start(t, ldaptest.Config{LDIF: strings.NewReader(ldaptest.Company(50)), Profile: ldaptest.ActiveDirectory})
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	scope := instrument.New(instrument.WithMeterProvider(meters))
	for range 2 { // totals that agree at two instants agree for the time between them
		useEverything(t, scope, directory)
		compareAccounts(t, savedAccount(t, scope), ofMetrics(t, reader))
	}
}

// savedAccount saves the usage as a process does at its end and reads it as another does later.
func savedAccount(t *testing.T, scope *instrument.Scope) account {
	t.Helper()
	path := t.TempDir() + "/usage.db"
	run := metricsdb.NewRun("bridge", "1")
	spool, err := metricsdb.NewSpool(metricsdb.Config{Path: path}, run)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Finish(scope.Snapshots(), time.Minute); err != nil {
		t.Fatal(err)
	}
	db, err := metricsdb.Open(t.Context(), metricsdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	detail, err := db.Run(t.Context(), run.ID)
	if err != nil || len(detail.Snapshots) != 1 {
		t.Fatalf("%+v, %v", detail, err)
	}
	return ofSnapshot(detail.Snapshots[0])
}

func compareAccounts(t *testing.T, saved, reported account) {
	t.Helper()
	for kind, s := range reported.Seconds { // sums of seconds are rounded, sums of nanoseconds are not
		if math.Abs(saved.Seconds[kind]-s) < 1e-6 {
			saved.Seconds[kind] = s
		}
	}
	if diff := cmp.Diff(saved, reported); diff != "" {
		t.Errorf("saved and reported differ (-saved +reported):\n%s", diff)
	}
	if len(saved.Operations) < 8 || saved.Errors < 2 || saved.Entries < 50 || len(saved.Codes) < 3 {
		t.Errorf("too little happened to compare: %+v", saved)
	}
}

// useEverything does each kind of operation, well and badly.
func useEverything(t *testing.T, scope *instrument.Scope, directory *ldaptest.Server) {
	t.Helper()
	client, err := scope.Dial(t.Context(), directory.URL(), instrument.WithDomain("CORP"))
	if err != nil {
		t.Fatal(err)
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	fails := func(err error) {
		t.Helper()
		if err == nil {
			t.Error("what should fail has not")
		}
	}
	ctx, base := t.Context(), ldaptest.DefaultSuffix
	search := func(filter string) *ldap.SearchRequest {
		return ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, 0, 0, 0, false, filter, []string{"cn"}, nil)
	}
	fails(client.Bind(ctx, ldaptest.CompanyService, "wrong"))
	ok(client.Bind(ctx, ldaptest.CompanyService, ldaptest.CompanyServicePassword))
	_, err = client.Search(ctx, search("(objectClass=person)"))
	ok(err)
	_, err = client.SearchPaged(ctx, search("(objectClass=*)"), 20)
	ok(err)
	_, err = client.Search(ctx, ldap.NewSearchRequest("ou=missing,"+base, 0, 0, 0, 0, false, "(cn=*)", nil, nil))
	fails(err)
	group, renamed := "cn=bridge,"+base, "cn=crossed,"+base
	add := ldap.NewAddRequest(group, nil)
	add.Attribute("objectClass", []string{"top", "group"})
	ok(client.Add(ctx, add))
	modify := ldap.NewModifyRequest(group, nil)
	modify.Replace("description", []string{"over the water"})
	_, err = client.Modify(ctx, modify)
	ok(err)
	_, err = client.Compare(ctx, group, "cn", "bridge")
	ok(err)
	ok(client.ModifyDN(ctx, ldap.NewModifyDNRequest(group, "cn=crossed", true, "")))
	ok(client.Delete(ctx, ldap.NewDelRequest(renamed, nil)))
	fails(client.Delete(ctx, ldap.NewDelRequest(renamed, nil)))
	_, err = client.WhoAmI(ctx)
	ok(err)
	ok(client.Close(context.WithoutCancel(ctx)))
	giveUp(t, scope, directory)
}

// giveUp ends the wait for an answer that does not come, which abandons the operation and drops the connection.
func giveUp(t *testing.T, scope *instrument.Scope, directory *ldaptest.Server) {
	t.Helper()
	client, err := scope.Dial(t.Context(), directory.URL(), instrument.WithDomain("CORP"))
	if err != nil {
		t.Fatal(err)
	}
	directory.Dir.SetFault(ldaptest.On(wire.SearchRequest, ldaptest.Always(ldaptest.Action{Hang: true})))
	defer directory.Dir.SetFault(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = client.Search(ctx, ldap.NewSearchRequest(ldaptest.DefaultSuffix, 0, 0, 0, 0, false, "(cn=*)", nil, nil))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("giving up: %v", err)
	}
	_ = client.Close(context.WithoutCancel(t.Context())) // it has gone already
}
