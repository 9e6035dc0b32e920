package wire

import (
	"context"

	"go.opentelemetry.io/otel/propagation"

	"github.com/troupe-go/troupe/event"
)

// WithTrace returns ctx with the remote span context that the event's
// traceparent header names (W3C trace context), or ctx itself if there is none
// or it is malformed.
func WithTrace(ctx context.Context, m *event.Meta) context.Context {
	if _, ok := m.Headers.Lookup(TraceParent); !ok {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, carrier(m.Headers))
}

// validTraceParent reports whether v is a traceparent of version 00 that names
// a span. It costs nothing, unlike extracting it.
func validTraceParent(v []byte) bool {
	if len(v) != traceParentSize || v[0] != '0' || v[1] != '0' {
		return false
	}
	var trace, span byte
	for i, c := range v {
		switch {
		case i == 2 || i == 35 || i == 52:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		case i < 35:
			trace |= c - '0'
		case i < 52:
			span |= c - '0'
		}
	}
	return trace != 0 && span != 0
}

// carrier lets OpenTelemetry read Kafka headers.
type carrier event.Headers

func (c carrier) Get(name string) string { return event.Headers(c).Get(name) }

func (c carrier) Keys() []string {
	names := make([]string, len(c))
	for i := range c {
		names[i] = c[i].Key
	}
	return names
}

// Set is part of the interface and not called: Encode writes the headers itself.
func (c carrier) Set(string, string) {}
