// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"net/url"
	"strings"

	program "github.com/ldapscope/ldapscope/cmd/ldapscope"
)

// operationRow is an operation as the panel's API tells it, as far as tests look.
type operationRow struct {
	Seq        uint64 `json:"seq"`
	RequestID  string `json:"request_id"`
	Domain     string `json:"domain"`
	Kind       string `json:"kind"`
	State      string `json:"state"`
	Step       string `json:"step"`
	DurationUS int64  `json:"duration_us"`
	Timing     struct {
		First  int64 `json:"first_us"`
		Stream int64 `json:"stream_us"`
	} `json:"timing"`
	Call *struct {
		ID string `json:"id"`
		N  int    `json:"n"`
	} `json:"call"`
	Search *struct {
		Base     string `json:"base"`
		Scope    string `json:"scope"`
		Filter   string `json:"filter"`
		PageSize int    `json:"page_size"`
		Page     int    `json:"page"`
	} `json:"search"`
	Bind *struct {
		Method string `json:"method"`
		Name   string `json:"name"`
	} `json:"bind"`
	Extended *struct {
		OID  string `json:"oid"`
		Name string `json:"name"`
	} `json:"extended"`
	DN      string `json:"dn"`
	Changes []struct {
		Operation string `json:"operation"`
		Attribute string `json:"attribute"`
		Values    []struct {
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"values"`
	} `json:"changes"`
	Result *struct {
		Code  int64  `json:"code"`
		Name  string `json:"name"`
		Error string `json:"error"`
		Hint  string `json:"hint"`
	} `json:"result"`
	Entries       int    `json:"entries"`
	BytesSent     int64  `json:"bytes_sent"`
	BytesReceived int64  `json:"bytes_received"`
	TraceID       string `json:"trace_id"`
	SpanID        string `json:"span_id"`
}

// requestRow is an HTTP request as the panel's API tells it.
type requestRow struct {
	ID         string   `json:"id"`
	Kind       string   `json:"kind"`
	Name       string   `json:"name"`
	Method     string   `json:"method"`
	Route      string   `json:"route"`
	Path       string   `json:"path"`
	Status     int      `json:"status"`
	User       string   `json:"user"`
	Running    bool     `json:"running"`
	TraceID    string   `json:"trace_id"`
	Operations int      `json:"operations"`
	Errors     int      `json:"errors"`
	Duplicates int      `json:"duplicates"`
	Shapes     int      `json:"shapes"`
	LDAPUS     int64    `json:"ldap_us"`
	Domains    []string `json:"domains"`
	Steps      []struct {
		Name string `json:"name"`
	} `json:"steps"`
}

// domainRow is a domain as the panel's API tells it.
type domainRow struct {
	Name     string            `json:"name"`
	State    string            `json:"state"`
	Reason   string            `json:"reason"`
	Security string            `json:"security"`
	Contexts []string          `json:"naming_contexts"`
	Bind     string            `json:"bind"`
	Counters map[string]uint64 `json:"counters"`
}

// exportRow is the state of the telemetry export as the panel's API tells it.
type exportRow struct {
	State     string `json:"state"`
	Endpoint  string `json:"endpoint"`
	LastError string `json:"last_error"`
	Hint      string `json:"hint"`
	Spans     uint64 `json:"spans"`
}

// operations returns what the panel shows for a query.
func (r *running) operations(query string) []operationRow {
	r.t.Helper()
	var list struct {
		Operations []operationRow `json:"operations"`
	}
	r.get("/api/v1/operations?limit=5000&q="+url.QueryEscape(query), &list)
	return list.Operations
}

// requests returns the HTTP requests to a path, oldest first, once all of them have ended.
func (r *running) requests(path string) (found []requestRow) {
	r.t.Helper()
	r.await("the end of the requests to "+path, func() bool {
		var list struct {
			Requests []requestRow `json:"requests"`
		}
		r.get("/api/v1/requests?limit=5000", &list)
		found = nil
		for _, q := range list.Requests {
			if q.Running && q.Kind == "http" {
				return false
			}
			if q.Path == path {
				found = append(found, q)
			}
		}
		return true
	})
	return found
}

// last returns the newest HTTP request to a path with its operations.
func (r *running) last(path string) (requestRow, []operationRow) {
	r.t.Helper()
	all := r.requests(path)
	if len(all) == 0 {
		r.t.Fatalf("the panel shows no request to %s", path)
	}
	return r.request(all[len(all)-1].ID)
}

func (r *running) request(id string) (requestRow, []operationRow) {
	r.t.Helper()
	var one struct {
		Request    requestRow     `json:"request"`
		Operations []operationRow `json:"operations"`
	}
	r.get("/api/v1/requests/"+id, &one)
	return one.Request, one.Operations
}

func (r *running) domains() (map[string]domainRow, exportRow) {
	r.t.Helper()
	var all struct {
		Domains []domainRow `json:"domains"`
		Export  exportRow   `json:"export"`
	}
	r.get("/api/v1/domains", &all)
	byName := map[string]domainRow{}
	for _, d := range all.Domains {
		byName[d.Name] = d
	}
	return byName, all.Export
}

// of returns the operations of one kind.
func of(kind string, operations []operationRow) (found []operationRow) {
	for _, op := range operations {
		if op.Kind == kind {
			found = append(found, op)
		}
	}
	return found
}

// filtered returns the searches whose filter contains a text.
func filtered(text string, operations []operationRow) (found []operationRow) {
	for _, op := range operations {
		if op.Search != nil && strings.Contains(op.Search.Filter, text) {
			found = append(found, op)
		}
	}
	return found
}

// savedRow is a run as metrics list tells it.
type savedRow struct {
	Run        string `json:"run"`
	Domain     string `json:"domain"`
	PID        int    `json:"pid"`
	App        string `json:"app"`
	Ended      string `json:"ended"`
	Operations uint64 `json:"operations"`
	Searches   uint64 `json:"search_operations"`
}

// saved asks metrics list for what the program has left.
func (r *running) saved() (list []savedRow) {
	r.t.Helper()
	var stdout, stderr output
	args := []string{"metrics", "list", "--format", "json"}
	if code := program.Run(r.t.Context(), args, strings.NewReader(""), &stdout, &stderr, environment(r.home), nil); code != 0 {
		r.t.Fatalf("metrics list: exit %d, %s", code, &stderr)
	}
	if err := json.Unmarshal([]byte(stdout.String()), &list); err != nil {
		r.t.Fatalf("metrics list: %v in %s", err, &stdout)
	}
	return list
}
