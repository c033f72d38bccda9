// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// watch reports the connections of every domain whenever the metrics are collected.
func (t *telemetry) watch(pools func() map[string]PoolStats) {
	m := t.meter
	var errs [5]error
	count, err := m.Int64ObservableUpDownCounter(metricPool, metric.WithUnit("{connection}"), metric.WithDescription("LDAP connections of a pool by state."))
	errs[0] = err
	most, err := m.Int64ObservableUpDownCounter(metricPoolMax, metric.WithUnit("{connection}"), metric.WithDescription("LDAP connections that a pool may have."))
	errs[1] = err
	pending, err := m.Int64ObservableUpDownCounter(metricPending, metric.WithUnit("{request}"),
		metric.WithDescription("Callers that wait for an LDAP connection of a pool."))
	errs[2] = err
	timeouts, err := m.Int64ObservableCounter(metricTimeouts, metric.WithUnit("{timeout}"),
		metric.WithDescription("Waits for an LDAP connection of a pool that ended without one."))
	errs[3] = err
	_, errs[4] = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for domain, p := range pools() {
			pool := attribute.String(attrPool, domain)
			name := metric.WithAttributes(pool)
			o.ObserveInt64(count, int64(p.Idle), metric.WithAttributes(pool, attribute.String(attrState, "idle")))
			o.ObserveInt64(count, int64(p.InUse), metric.WithAttributes(pool, attribute.String(attrState, "used")))
			o.ObserveInt64(most, int64(p.Max), name)
			o.ObserveInt64(pending, int64(p.Waiting), name)
			o.ObserveInt64(timeouts, int64(p.Timeouts), name)
		}
		return nil
	}, count, most, pending, timeouts)
	if err := errors.Join(errs[:]...); err != nil {
		otel.Handle(err)
	}
}
