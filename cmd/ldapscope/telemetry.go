// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	promexport "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/ldapscope/ldapscope/instrument/spanburst"
)

// telemetry is the OpenTelemetry SDK of the program: spans and metrics leave when the OTEL_* variables name a target, and
// Prometheus can always scrape the metrics.
type telemetry struct {
	tracers *trace.TracerProvider
	meters  *metric.MeterProvider
	scrape  http.Handler
	state   *exportState
}

// setUpTelemetry reads the OTEL_* variables. Without a target nothing is tried and nothing is printed.
func setUpTelemetry(ctx context.Context, env map[string]string) (*telemetry, error) {
	t := &telemetry{state: &exportState{}}
	attributes, err := describe(ctx, env)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	scraped, err := promexport.New(promexport.WithRegisterer(registry))
	if err != nil {
		return nil, fmt.Errorf("setting up metrics: %w", err)
	}
	t.scrape = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	spans := []trace.TracerProviderOption{trace.WithResource(attributes)}
	readers := []metric.Option{metric.WithResource(attributes), metric.WithReader(scraped)}
	if sends(env, "TRACES") {
		exporter, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return nil, fmt.Errorf("setting up the export of traces from the OTEL_* variables: %w", err)
		}
		if !autoexport.IsNoneSpanExporter(exporter) {
			t.state.configured(env)
			spans = append(spans, trace.WithSpanProcessor(spanProcessor(watched{exporter, t.state}, env)))
		}
	}
	if sends(env, "METRICS") {
		reader, err := autoexport.NewMetricReader(ctx)
		if err != nil {
			return nil, fmt.Errorf("setting up the export of metrics from the OTEL_* variables: %w", err)
		}
		readers = append(readers, metric.WithReader(reader))
	}
	t.tracers, t.meters = trace.NewTracerProvider(spans...), metric.NewMeterProvider(readers...)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(t.state.complained))
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	return t, nil
}

// spanProcessor collects spans for the exporter. A queue that was chosen to be tiny could not take a burst.
func spanProcessor(exporter trace.SpanExporter, env map[string]string) trace.SpanProcessor {
	batches := trace.NewBatchSpanProcessor(exporter)
	if n, err := strconv.Atoi(env["OTEL_BSP_MAX_QUEUE_SIZE"]); err == nil && n < 4*spanburst.Size {
		return batches
	}
	return spanburst.New(batches)
}

// sends reports whether a signal has a target. The exporters themselves would try localhost without one.
func sends(env map[string]string, signal string) bool {
	if strings.EqualFold(env["OTEL_SDK_DISABLED"], "true") {
		return false
	}
	exporter := env["OTEL_"+signal+"_EXPORTER"]
	if exporter == "none" {
		return false
	}
	return exporter != "" && exporter != "otlp" || env["OTEL_EXPORTER_OTLP_ENDPOINT"] != "" || env["OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT"] != ""
}

func describe(ctx context.Context, env map[string]string) (*resource.Resource, error) {
	service := env["OTEL_SERVICE_NAME"]
	if service == "" {
		service = "ldapscope"
	}
	r, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(semconv.ServiceName(service), semconv.ServiceVersion(buildInfo().version)), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return r, nil
}

// flush sends what waits, within the budget, and ends the export. It is the last work of the program that needs a network.
func (t *telemetry) flush(ctx context.Context, budget time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	_ = errors.Join(t.tracers.Shutdown(ctx), t.meters.Shutdown(ctx)) // nobody is left to be told
}
