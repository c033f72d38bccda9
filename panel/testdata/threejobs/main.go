// SPDX-License-Identifier: MIT

package main // an application with a live panel, traces in Jaeger by an OpenTelemetry SDK of its own, and saved usage

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/go-ldap/ldap/v3"
	"github.com/ldapscope/ldapscope/instrument"
	"github.com/ldapscope/ldapscope/metricsdb"
	"github.com/ldapscope/ldapscope/panel"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	tracers := trace.NewTracerProvider(trace.WithBatcher(otlptracehttp.NewUnstarted())) // to OTEL_EXPORTER_OTLP_ENDPOINT
	scope := instrument.New(instrument.WithTracerProvider(tracers))
	saved, err := metricsdb.Keep(context.Background(), metricsdb.Config{Path: "usage.db"}, metricsdb.NewRun("shop", "1.0"), scope.Snapshots, func(ctx context.Context) error {
		client, err := scope.Dial(ctx, os.Getenv("LDAP_URL"), instrument.WithDomain("EXAMPLE"))
		if err != nil {
			return err
		}
		live, mux := panel.New(panel.Config{Scope: scope, Token: os.Getenv("PANEL_TOKEN")}), http.NewServeMux()
		go live.Run(ctx)
		mux.Handle("/debug/ldap/", http.StripPrefix("/debug/ldap", live))
		mux.HandleFunc("GET /people", func(w http.ResponseWriter, r *http.Request) {
			found, err := client.Search(r.Context(), ldap.NewSearchRequest("dc=example,dc=org", 2, 0, 0, 0, false, "(sn=*)", []string{"cn"}, nil))
			fmt.Fprintln(w, found, err)
		})
		server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: otelhttp.NewHandler(scope.Middleware(mux), "app", otelhttp.WithTracerProvider(tracers))}
		context.AfterFunc(ctx, func() { _, _ = server.Close(), client.Close(ctx) }) // Ctrl-C
		return server.ListenAndServe()
	})
	fmt.Println(saved.Operations, "operations saved;", err, tracers.Shutdown(context.Background()))
}
