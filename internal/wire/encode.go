package wire

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/troupe-go/troupe/event"
)

// Shared by every record: whoever gets a record only reads it.
var (
	avroContentValue  = []byte(avroContent)
	specVersion1Value = []byte(specVersion1)
)

// Encode fills r's key, value and headers for an event that Check accepts and
// whose record is already encoded in data. It reuses the memory that r has:
// key, value and header values share one array, so that a reused r costs no
// allocation. data may be r.Value[FramingSize:]; then it is not even copied. An
// empty key is written as null. The values of m's own headers are not copied;
// the slice itself must not be r's.
//
// Trace context is taken from ctx: the span in it, and where the flow started
// from the event being handled ([event.FromContext]).
func Encode(ctx context.Context, r *event.Record, m *event.Meta, schemaID int, data []byte) {
	sc := trace.SpanContextFromContext(ctx)
	flow := flowStart(ctx)

	size := FramingSize + len(data) + len(m.Key) + len(m.ID) + len(m.Source) + len(m.Type) + len(time.RFC3339Nano) +
		len(schemaURN) + 20 + len(m.Subject) + len(m.CorrelationID) + len(m.CausationID) + 20 + traceParentSize
	b := slices.Grow(r.Value[:0], size)
	b = b[:FramingSize+copy(b[FramingSize:FramingSize+len(data)], data)] // before the framing: data may lie there already
	b[0] = 0
	binary.BigEndian.PutUint32(b[1:], uint32(schemaID))
	w := writer{buf: b, headers: r.Headers[:0]}
	valueEnd := len(b)

	w.buf = append(w.buf, m.Key...)
	keyEnd := len(w.buf)

	w.headers = append(w.headers, event.Header{Key: ContentType, Value: avroContentValue}, event.Header{Key: SpecVersion, Value: specVersion1Value})
	w.text(ID, m.ID)
	w.text(Source, m.Source)
	w.text(Type, m.Type)
	w.header(Time, m.Time.UTC().AppendFormat(w.buf, time.RFC3339Nano))
	w.header(DataSchema, strconv.AppendInt(append(w.buf, schemaURN...), int64(schemaID), 10))
	w.optional(Subject, m.Subject)
	w.optional(CorrelationID, m.CorrelationID)
	w.optional(CausationID, m.CausationID)
	if m.Hops > 0 {
		w.header(Hops, strconv.AppendInt(w.buf, int64(m.Hops), 10))
	}
	if sc.IsValid() {
		w.header(TraceParent, appendTraceParent(w.buf, sc))
		if flow == nil {
			flow = w.headers[len(w.headers)-1].Value
		}
		if sc.TraceState().Len() > 0 {
			w.headers = append(w.headers, event.Header{Key: TraceState, Value: []byte(sc.TraceState().String())})
		}
	}
	if flow != nil {
		w.headers = append(w.headers, event.Header{Key: FlowTraceParent, Value: flow})
	}
	for _, h := range m.Headers {
		if !reserved(h.Key) {
			w.headers = append(w.headers, h)
		}
	}

	r.Value, r.Key, r.Headers = w.buf[:valueEnd], nil, w.headers
	if m.Key != "" {
		r.Key = w.buf[valueEnd:keyEnd:keyEnd]
	}
}

// writer appends header values to one array.
type writer struct {
	buf     []byte
	headers event.Headers
}

// header takes what grown has behind buf as a header's value.
func (w *writer) header(name string, grown []byte) {
	w.headers = append(w.headers, event.Header{Key: name, Value: grown[len(w.buf):len(grown):len(grown)]})
	w.buf = grown
}

func (w *writer) text(name, value string) { w.header(name, append(w.buf, value...)) }

func (w *writer) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

// flowStart returns the traceparent of the span that started the flow of the
// event being handled, nil if there is none.
func flowStart(ctx context.Context) []byte {
	c := event.FromContext(ctx)
	if c == nil {
		return nil
	}
	for _, name := range [...]string{FlowTraceParent, TraceParent} {
		if v, ok := c.Event.Headers.Lookup(name); ok && validTraceParent(v) {
			return v
		}
	}
	return nil
}

const traceParentSize = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")

// appendTraceParent is what propagation.TraceContext injects (W3C trace
// context, version 00), without its allocations.
func appendTraceParent(b []byte, sc trace.SpanContext) []byte {
	tid, sid := sc.TraceID(), sc.SpanID()
	b = hex.AppendEncode(append(b, "00-"...), tid[:])
	b = hex.AppendEncode(append(b, '-'), sid[:])
	flags := sc.TraceFlags() & (trace.FlagsSampled | trace.FlagsRandom)
	return hex.AppendEncode(append(b, '-'), []byte{byte(flags)})
}
