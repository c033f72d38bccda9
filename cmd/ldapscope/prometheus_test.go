// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/port"
	"github.com/ldapscope/ldapscope/ldapmgr/ldaptest/require"
)

// TestMetricsPage holds the page to the token, and every family on it to say what it is.
func TestMetricsPage(t *testing.T) {
	t.Parallel()
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	r.visit("/people")
	r.last("/people")
	for _, authorization := range []string{"", "Bearer wrong"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.panel+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		if status, body := r.send(request); status != http.StatusUnauthorized || strings.Contains(body, "ldap_client") {
			t.Errorf("with %q: %d %.200s", authorization, status, body)
		}
	}
	status, body := r.body("/metrics")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	families := regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(body, -1)
	for _, f := range families {
		if !regexp.MustCompile(`(?m)^# HELP ` + f[1] + ` \S.{10,}$`).MatchString(body) {
			t.Errorf("%s has no description", f[1])
		}
	}
	for _, want := range []string{
		"ldap_client_operation_duration_seconds", "ldap_client_response_entries", "ldap_client_request_size_bytes", "ldap_client_response_size_bytes",
		"ldap_client_active_requests", "ldap_client_connection_io_bytes_total",
		"ldap_client_connection_use_time_seconds", "ldap_client_connection_closed_total", "ldap_client_connection_idle_max", "ldap_client_connection_idle_min", "http_server_request_duration_seconds",
	} {
		if !strings.Contains(body, "# TYPE "+want+" ") {
			t.Errorf("%s is missing among %v", want, families)
		}
	}
	if !strings.Contains(body, `http_route="/people"`) {
		t.Error("HTTP requests are not counted by route")
	}
	if strings.Contains(body, "dc=") || strings.Contains(body, "objectClass") {
		t.Error("a name or a filter is on the metrics page")
	}
}

// TestPrometheus lets a real Prometheus scrape a demo, and compares what it counts with what the panel shows.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	path := require.Program(t, "prometheus")
	tool := require.Program(t, "promtool")
	r := startHere(t, nil, nil, append(anywhere, "--quiet")...)
	for _, page := range []string{"/people", "/failing", "/groups"} {
		r.visit(page)
		r.last(page)
	}
	_, body := r.body("/metrics")
	check := exec.CommandContext(t.Context(), tool, "check", "metrics")
	check.Stdin = strings.NewReader(body)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	base := startPrometheus(t, r, path)
	for counter, kind := range map[string]string{"search_operations": "search", "bind_operations": "bind", "operations": ".*"} {
		query := fmt.Sprintf(`sum(ldap_client_operation_duration_seconds_count{ldap_operation_name=~%q})`, kind)
		r.await("Prometheus to count as many "+counter+" as the panel", func() bool {
			got := askPrometheus(t, base, query)
			shown, _ := r.domains()
			want := shown["EXAMPLE"].Counters[counter]
			return want > 0 && got == strconv.FormatUint(want, 10)
		})
	}
}

// startPrometheus runs Prometheus until the test ends and returns its address.
func startPrometheus(t *testing.T, r *running, path string) string {
	t.Helper()
	address := port.Reserve(t)
	config := write(t, "prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 500ms, scrape_timeout: 500ms}
scrape_configs:
  - job_name: ldapscope
    authorization: {credentials: %s}
    static_configs: [{targets: [%q]}]
`, panelToken, strings.TrimPrefix(r.panel, "http://")))
	command := exec.Command(path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(t.TempDir(), "data"), "--web.listen-address="+address, "--log.level=error")
	var printed output
	command.Stdout, command.Stderr = &printed, &printed
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if command.Process.Signal(syscall.SIGTERM) != nil {
			_ = command.Process.Kill() // where there are no signals
		}
		_ = command.Wait()
		if t.Failed() {
			t.Logf("prometheus printed: %s", &printed)
		}
	})
	return "http://" + address
}

// askPrometheus returns the only value of an instant query, "" while there is none.
func askPrometheus(t *testing.T, base, query string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(base + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return "" // it has not started yet
	}
	defer answer.Body.Close()
	var result struct {
		Data struct {
			Result []struct {
				Value []any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if json.NewDecoder(answer.Body).Decode(&result) != nil || len(result.Data.Result) != 1 || len(result.Data.Result[0].Value) != 2 {
		return ""
	}
	value, _ := result.Data.Result[0].Value[1].(string)
	return value
}
