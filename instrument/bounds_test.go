// SPDX-License-Identifier: MIT

package instrument_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/instrument/wire"
)

// answering answers everything with one code.
func answering(code int64) func(*session) {
	return func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			s.answer(m, code)
		}
	}
}

// Codes beyond the first ones are answers too, such as e-syncRefreshRequired (RFC 4533); a code that is an outcome for one
// kind of operation is a failure for the others.
func TestCodesOfServers(t *testing.T) {
	for _, code := range []int64{4096, 199, 207, 123, 5, 6, 14} {
		scope := instrument.New()
		c := dial(t, scope, serve(t, answering(code)))
		_, err := c.Search(t.Context(), search("(a=b)"))
		if got, answered := instrument.ResultCode(err); got != code || !answered || instrument.Broken(err) {
			t.Errorf("%d came as %d, answered %v, broken %v: %v", code, got, answered, instrument.Broken(err), err)
		}
		if op := only(t, scope, instrument.KindSearch); op.State != instrument.StateError || !op.Result.Failed() {
			t.Errorf("a search that ended with %d is recorded as %v, failed %v", code, op.State, op.Result.Failed())
		}
	}
}

func TestReferencesAreBounded(t *testing.T) {
	scope := instrument.New()
	c := dial(t, scope, serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			for range 100 {
				s.message(m.ID, func(e *wire.Encoder) { e.Reference("ldap://x/" + strings.Repeat("y", 1000)) })
			}
			s.answer(m, 0)
		}
	}))
	if _, err := c.Search(t.Context(), search("(a=b)")); err != nil {
		t.Fatal(err)
	}
	if op := only(t, scope, instrument.KindSearch); len(op.Result.Referrals) != 16 || op.References != 100 {
		t.Errorf("%d of %d references are kept", len(op.Result.Referrals), op.References)
	}
}

// What a recorded HTTP request keeps is a copy and bounded: neither a long method nor the rest of a long request line stays
// in memory.
func TestRequestLinesAreNotKept(t *testing.T) {
	const requests, size = 40, 900_000
	scope := instrument.New()
	web := httptest.NewServer(scope.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer web.Close()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what a finalizer held
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for range requests {
		r, err := http.Get(web.URL + "/p?" + strings.Repeat("x", size))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	web.CloseClientConnections()
	if after := heap(); after > before+requests*size/4 {
		t.Errorf("%d requests keep %d KiB", requests, (after-before)>>10)
	}
	r := httptest.NewRequest(strings.Repeat("M", 5000), "/long", nil)
	scope.Middleware(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	for _, q := range scope.Recorder().Requests(0, 1000) {
		if len(q.Method) > 40 {
			t.Errorf("a method of %d bytes is kept", len(q.Method))
		}
	}
}

// An operation that its asker has abandoned is not waited for: the connection may be silent after it.
func TestAbandonedIsNotWaitedFor(t *testing.T) {
	const idle = 50 * time.Millisecond
	heard := make(chan wire.Op, 4)
	url := serve(t, func(s *session) {
		for m, ok := s.next(); ok; m, ok = s.next() {
			heard <- m.Op
			if m.Op == wire.CompareRequest {
				s.answer(m, 6)
			}
		}
	})
	socket, err := net.Dial("tcp", strings.TrimPrefix(url, "ldap://"))
	if err != nil {
		t.Fatal(err)
	}
	wrapped := instrument.New().Wrap(socket, instrument.WithTimeouts(instrument.Timeouts{Idle: idle}))
	driver := ldap.NewConn(wrapped, false)
	driver.Start()
	asked := make(chan error, 1)
	go func() { _, err := driver.Search(search("(a=b)")); asked <- err }()
	<-heard
	var abandon wire.Encoder
	abandon.Message(1000, func(e *wire.Encoder) { e.Abandon(1) }, nil) // the driver's first message
	if _, err := wrapped.Write(abandon.Bytes); err != nil {
		t.Fatal(err)
	}
	<-heard
	<-time.After(4 * idle) // silence is what is tested
	if _, err := driver.Compare("cn=x", "a", "b"); err != nil {
		t.Errorf("after a silence of %v: %v", 4*idle, err)
	}
	_ = wrapped.Close()
	<-asked
}

// One DN has one shape however it is written.
func TestShapesOfOneDN(t *testing.T) {
	scope := instrument.New()
	c := dial(t, scope, serve(t, willing(0)))
	for _, base := range []string{"ou=a,dc=b", "ou=a, dc=b", `ou="a,x=c",dc=b`, "OU=z;DC=y"} {
		r := search("(a=b)")
		r.BaseDN = base
		if _, err := c.Search(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if shapes := scope.Snapshots()[0].Shapes; len(shapes) != 1 || shapes[0].Count != 4 {
		t.Errorf("shapes: %+v", shapes)
	}
}

// One operation that is large does not push every later request out.
func TestRecorderKeepsWhatComesAfterALargeOne(t *testing.T) {
	scope := instrument.New(instrument.WithRecorderLimits(instrument.Limits{Bytes: 512 << 10}),
		instrument.WithPolicy(instrument.Policy{Level: instrument.LevelValues, Entries: 10_000, EntryBytes: 200 << 10}))
	c := dial(t, scope, serve(t, willing(2000)))
	for i := range 8 {
		ctx, end := scope.Job(t.Context(), fmt.Sprint("job ", i))
		if _, err := c.Search(ctx, search("(a=b)")); err != nil {
			t.Fatal(err)
		}
		end()
	}
	kept := scope.Recorder().Requests(0, 100)
	if len(kept) == 0 || kept[len(kept)-1].Name != "job 7" || kept[0].Name == "job 0" {
		t.Errorf("kept: %+v", kept)
	}
}

// Each metric is asked for by itself: a View may drop one of them.
func TestMetricsWithoutDuration(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	drop := sdkmetric.NewView(sdkmetric.Instrument{Name: "ldap.client.operation.duration"}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}})
	c := dial(t, instrument.New(instrument.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithView(drop)))), serve(t, willing(1)))
	if _, err := c.Search(t.Context(), search("(a=b)")); err != nil {
		t.Fatal(err)
	}
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &collected); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			names = append(names, m.Name)
		}
	}
	if all := strings.Join(names, " "); !strings.Contains(all, "entries") || !strings.Contains(all, "request.size") || strings.Contains(all, "operation.duration") {
		t.Errorf("reported: %s", all)
	}
}

// Attributes that hold passwords, keys or hashes of them, by every name that servers take.
func TestSecretAttributes(t *testing.T) {
	for _, name := range []string{
		"userPassword", "userPassword;lang-en", "USERPASSWORD", "2.5.4.35", "OID.2.5.4.35", "oid.2.5.4.35", "unicodePwd", "ms-Mcs-AdmPwd", "msLAPS-EncryptedPassword",
		"msDS-ManagedPassword", "1.2.840.113556.1.4.2196", "trustAuthIncoming", "1.2.840.113556.1.4.129", "1.2.840.113556.1.4.135",
		"msFVE-RecoveryPassword", "msFVE-KeyPackage", "msTPM-OwnerInformation", "pekList", "unixUserPassword", "msSFU30Password", "msDS-ExecuteScriptPassword",
		"oathSecret", "ipatokenOTPkey", "ipaNTHash", "nsds5ReplicaCredentials", "nsds5ReplicaBootstrapCredentials", "nsSymmetricKey", "nsmultiplexorcredentials",
		"olcSyncrepl", "olcDbIDAssertBind", "olcRootPW", "sambaClearTextPassword", "sambaPreviousClearTextPassword", "sambaNTPassword", "krbPrincipalKey", "krbPwdHistory",
	} {
		if !instrument.SecretAttribute(name) {
			t.Errorf("%s is shown", name)
		}
	}
	for _, name := range []string{"description", "mail", "pwdLastSet", "oid.", "oid.2.5.4.3", "badPwdCount", "userPasswordExpiry", ""} {
		if instrument.SecretAttribute(name) {
			t.Errorf("%s is hidden", name)
		}
	}
}
