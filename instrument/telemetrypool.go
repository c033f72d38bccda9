// SPDX-License-Identifier: MIT

package instrument

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// poolLevels are what a pool has at one instant and what it may have, each a metric of its own.
var poolLevels = [...]struct {
	name, unit, description string
	of                      func(PoolStats) int
}{
	{metricPoolMax, "{connection}", "LDAP connections that a pool may have.", func(p PoolStats) int { return p.Max }},
	{metricIdleMax, "{connection}", "Idle LDAP connections that a pool keeps at most.", func(p PoolStats) int { return p.MaxIdle }},
	{metricIdleMin, "{connection}", "Idle LDAP connections that a pool keeps ready.", func(p PoolStats) int { return p.MinIdle }},
	{metricPending, "{request}", "Callers that wait for an LDAP connection of a pool.", func(p PoolStats) int { return p.Waiting }},
}

// watch reports the connections of every domain whenever the metrics are collected.
func (t *telemetry) watch(pools func() map[string]PoolStats) {
	m := t.meter
	var errs [4 + len(poolLevels)]error
	var levels [len(poolLevels)]metric.Int64ObservableUpDownCounter
	open, err := m.Int64ObservableUpDownCounter(metricPool, metric.WithUnit("{connection}"), metric.WithDescription("LDAP connections of a pool by state."))
	errs[0] = err
	timeouts, err := m.Int64ObservableCounter(metricTimeouts, metric.WithUnit("{timeout}"),
		metric.WithDescription("Waits for an LDAP connection of a pool that ended without one."))
	errs[1] = err
	closed, err := m.Int64ObservableCounter(metricClosed, metric.WithUnit("{connection}"), metric.WithDescription("LDAP connections that a pool closed, by reason."))
	errs[2] = err
	all := []metric.Observable{open, timeouts, closed}
	for i, l := range poolLevels {
		levels[i], errs[4+i] = m.Int64ObservableUpDownCounter(l.name, metric.WithUnit(l.unit), metric.WithDescription(l.description))
		all = append(all, levels[i])
	}
	_, errs[3] = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for domain, p := range pools() {
			pool := attribute.String(attrPool, domain)
			name := metric.WithAttributes(pool)
			o.ObserveInt64(open, int64(p.Idle), metric.WithAttributes(pool, attribute.String(attrState, "idle")))
			o.ObserveInt64(open, int64(p.InUse), metric.WithAttributes(pool, attribute.String(attrState, "used")))
			o.ObserveInt64(timeouts, int64(p.Timeouts), name)
			for i, l := range poolLevels {
				o.ObserveInt64(levels[i], int64(l.of(p)), name)
			}
			for reason := CloseIdle; int(reason) < CloseReasons; reason++ {
				o.ObserveInt64(closed, int64(p.ClosedFor[reason]), metric.WithAttributes(pool, attribute.String(attrCloseReason, reason.String())))
			}
		}
		return nil
	}, all...)
	if err := errors.Join(errs[:]...); err != nil {
		otel.Handle(err)
	}
}
