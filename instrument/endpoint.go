// SPDX-License-Identifier: MIT

package instrument

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// endpoint holds what the spans and metrics of all connections to one server have in common, prebuilt.
type endpoint struct {
	domain   string
	security Security
	address  string
	port     int
	first    []attribute.KeyValue // known to a sampler; few, because every span copies them, recorded or not
	common   []attribute.KeyValue // of spans that are recorded
	db       bool
	active   [Kinds][]metric.AddOption
	transmit []metric.AddOption
	receive  []metric.AddOption
	pool     metric.MeasurementOption // nothing but the server and the domain
	lent     []metric.RecordOption    // the same, ready for what is recorded for every loan

	start [Kinds]atomic.Pointer[[]*spanStart] // one for each naming context; added to under mu, in a copy

	mu       sync.Mutex // guards what follows
	outcomes map[outcome][]metric.RecordOption
}

type endpointKey struct {
	domain, server, peer string
	security             Security
}

// Bounds of what is kept ready: programs may wrap connections from ever new addresses, and codes are the server's to choose.
const (
	mostEndpoints = 1000
	mostOutcomes  = 1000
)

// endpoint returns the prebuilt telemetry options of a server.
func (s *Scope) endpoint(domain, server string, security Security, peer net.Addr) *endpoint {
	key := endpointKey{domain: domain, server: server, security: security}
	if peer != nil && peer.Network() == "tcp" {
		key.peer = peer.String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.endpoints[key]
	if !ok {
		e = newEndpoint(key, s.telemetry.db)
		if len(s.endpoints) < mostEndpoints {
			s.endpoints[key] = e
		}
	}
	return e
}

// spanStart is what the spans of one kind of operation in one naming context have in common.
type spanStart struct {
	namespace string
	name      string
	options   []trace.SpanStartOption
}

func newEndpoint(key endpointKey, db bool) *endpoint {
	e := &endpoint{domain: key.domain, security: key.security, db: db, outcomes: map[outcome][]metric.RecordOption{}}
	var transport string
	e.address, e.port, transport = splitServer(key.server)
	e.first = serverAttributes(e.address, e.port)
	if db {
		e.first = append(e.first, attribute.String(attrDBSystem, "ldap"), attribute.String(attrDBSystemName, "ldap"))
	}
	e.common = []attribute.KeyValue{
		attribute.String(attrTransport, transport), attribute.String(attrProtocol, "ldap"), attribute.String(attrProtocolVer, "3"),
		attribute.String(attrSecurity, key.security.String()),
	}
	if peer, err := netip.ParseAddrPort(key.peer); err == nil {
		family := "ipv6"
		if peer.Addr().Unmap().Is4() {
			family = "ipv4"
		}
		e.common = append(e.common, attribute.String(attrPeerAddress, peer.Addr().String()), attribute.Int(attrPeerPort, int(peer.Port())),
			attribute.String(attrNetworkType, family))
	}
	if e.domain != "" {
		e.common = append(e.common, attribute.String(attrPool, e.domain))
	}
	base := e.metricBase()
	with := func(kv attribute.KeyValue) []metric.AddOption {
		return []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(append(base, kv)...))}
	}
	for k := KindBind; int(k) < Kinds; k++ {
		e.active[k] = with(attribute.String(attrOperation, k.String()))
		e.start[k].Store(&[]*spanStart{})
	}
	e.pool = metric.WithAttributeSet(attribute.NewSet(base...))
	e.lent = []metric.RecordOption{e.pool}
	e.transmit = with(attribute.String(attrDirection, "transmit"))
	e.receive = with(attribute.String(attrDirection, "receive"))
	return e
}

// splitServer takes host:port apart; anything else is the path of a socket.
func splitServer(server string) (address string, port int, transport string) {
	host, number, err := net.SplitHostPort(server)
	if err != nil {
		return server, 0, "unix"
	}
	port, _ = strconv.Atoi(number)
	return host, port, "tcp"
}

// serverAttributes names a server. A port of 0 is none.
func serverAttributes(address string, port int) []attribute.KeyValue {
	set := []attribute.KeyValue{attribute.String(attrServerAddress, address)}
	if port != 0 {
		set = append(set, attribute.Int(attrServerPort, port))
	}
	return set
}

func (e *endpoint) metricBase() []attribute.KeyValue {
	base := serverAttributes(e.address, e.port)
	if e.domain != "" {
		base = append(base, attribute.String(attrPool, e.domain))
	}
	return base[:len(base):len(base)]
}

// spanStart returns the prebuilt name and options of a span.
func (e *endpoint) spanStart(kind Kind, namespace string) *spanStart {
	for _, start := range *e.start[kind].Load() {
		if start.namespace == namespace {
			return start
		}
	}
	start := e.newSpanStart(kind, namespace)
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := *e.start[kind].Load(); len(known) < 2*mostContexts { // they are the server's to choose
		more := append(slices.Clip(known), start)
		e.start[kind].Store(&more)
	}
	return start
}

func (e *endpoint) newSpanStart(kind Kind, namespace string) *spanStart {
	start := &spanStart{namespace: namespace, name: kind.String()}
	set := append(slices.Clip(e.first), attribute.String(attrOperation, start.name))
	if e.db {
		set = append(set, attribute.String(attrDBOperation, start.name))
	}
	if namespace != "" {
		start.name += " " + namespace
		set = append(set, attribute.String(attrNamespace, namespace))
	}
	if e.db && namespace != "" {
		set = append(set, attribute.String(attrDBNamespace, namespace))
	}
	start.options = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(set...)}
	return start
}

// outcome is what the attribute set of an operation's metrics depends on, beside the endpoint.
type outcome struct {
	kind     Kind
	code     int64
	received bool
	failure  string
}

// recordOptions returns the attribute set of an operation's metrics, kept ready so that recording allocates nothing.
func (e *endpoint) recordOptions(kind Kind, result *Result) []metric.RecordOption {
	key := outcome{kind, result.Code, result.Received, result.Error}
	e.mu.Lock()
	defer e.mu.Unlock()
	options, ok := e.outcomes[key]
	if !ok {
		set := append(e.metricBase(), attribute.String(attrOperation, kind.String()))
		if result.Received {
			set = append(set, attribute.Int64(attrStatusCode, result.Code))
		}
		if result.Error != "" {
			set = append(set, attribute.String(attrErrorType, result.Error))
		}
		options = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(set...))}
		if len(e.outcomes) < mostOutcomes {
			e.outcomes[key] = options
		}
	}
	return options
}
