// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
)

// threeJobs is the smallest application that has everything.
var threeJobs = filepath.Join("..", "..", "panel", "testdata", "threejobs")

func TestThreeJobsAreShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(threeJobs, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > 40 {
		t.Errorf("%d lines", n)
	}
}

// application is the program of three jobs on its way.
type application struct {
	address, home string
	printed       *output
	end           func()
}

// startThreeJobs builds the application, and runs it until the test ends or end is called.
func startThreeJobs(t *testing.T, env ...string) *application {
	t.Helper()
	a := &application{home: t.TempDir(), printed: &output{}}
	binary := filepath.Join(a.home, "app")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./"+filepath.ToSlash(threeJobs)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	a.address = port.Reserve(t)
	command := exec.Command(binary)
	command.Dir, command.Env = a.home, environment(a.home, append(env, "LISTEN="+a.address)...)
	command.Stdout, command.Stderr = a.printed, a.printed
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	a.end = func() {
		if !ended {
			ended = true
			_ = command.Process.Signal(syscall.SIGTERM) // it has ended already if this fails
			_ = command.Wait()                          // what it printed tells
		}
	}
	t.Cleanup(a.end)
	return a
}

// get asks the application, with the panel's token.
func (a *application) get(path string) (status int, body string) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+a.address+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+panelToken)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err.Error() // it has not started yet
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	_, _ = text.ReadFrom(answer.Body) // a body that is cut does not hold what is looked for
	return answer.StatusCode, text.String()
}

// TestThreeJobs runs the application and finds its operation in the panel, in the backend of its traces, and in the usage
// that it has saved.
func TestThreeJobs(t *testing.T) {
	t.Parallel()
	directory := ldaptest.Start(t, ldaptest.Config{LDIF: strings.NewReader(secretLDIF), Schema: secretSchema})
	backend := receiveHTTP(t)
	a := startThreeJobs(t, "LDAP_URL="+directory.URL(), "PANEL_TOKEN="+panelToken, "OTEL_EXPORTER_OTLP_ENDPOINT="+backend.endpoint)
	waiting := &running{t: t, stdout: a.printed, stderr: a.printed}
	waiting.await("the application to find people", func() bool {
		status, body := a.get("/people")
		return status == http.StatusOK && strings.Contains(body, "<nil>")
	})
	status, body := a.get("/debug/ldap/api/v1/operations")
	if status != http.StatusOK || !strings.Contains(body, `"filter":"(sn=*)"`) {
		t.Errorf("the panel says %d %s", status, body)
	}
	trailing := regexp.MustCompile(`"trace_id":"([0-9a-f]{32})"`).FindStringSubmatch(body)
	a.end()
	if !strings.Contains(a.printed.String(), "operations saved; http: Server closed <nil>") {
		t.Errorf("it printed %s", a.printed)
	}
	if trailing == nil {
		t.Fatalf("no operation has a trace: %s", body)
	}
	spans := backend.got()
	servers, clients := spansOf(spans, trace.Span_SPAN_KIND_SERVER, trailing[1]), operationSpans(spans, trailing[1])
	if len(servers) != 1 || len(clients) != 1 || !bytes.Equal(clients[0].ParentSpanId, servers[0].SpanId) {
		t.Errorf("trace %s: server spans %v, LDAP spans %v", trailing[1], servers, clients)
	}
	var list output
	if code := program.Run(t.Context(), []string{"metrics", "list", "--db", filepath.Join(a.home, "usage.db"), "--format", "json"},
		strings.NewReader(""), &list, &list, environment(a.home), nil); code != 0 || !strings.Contains(list.String(), `"shop"`) || !strings.Contains(list.String(), "EXAMPLE") {
		t.Errorf("exit %d, %s", code, &list)
	}
}
