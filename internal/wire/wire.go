// Package wire is the one mapping between an event and a Kafka record: the
// Confluent wire format for the value, CloudEvents 1.0 (Kafka binding, binary
// mode) and W3C trace context for the headers.
//
// # Value
//
// Written: 0x00, the schema's registry id in 4 bytes big-endian, Avro binary.
// Read as well: the header form of Confluent Platform 8, where the header
// __value_schema_id holds 0x01 and the schema's GUID in 16 bytes (or 0x00 and
// the id in 4) and the value is bare Avro. As in Confluent's own clients the
// header is looked at first, the last one counts, and a null one counts as
// none.
//
// # Headers
//
//	content-type       application/avro
//	ce_specversion     1.0
//	ce_id, ce_source   the event's identity
//	ce_type            the Avro full name
//	ce_time            RFC 3339, UTC, up to nanoseconds
//	ce_dataschema      urn:troupe:schema:<registry id>
//	ce_subject         when there is one
//	ce_correlationid   when there is one
//	ce_causationid     when there is one
//	troupe-hops        how many handlers lie between the start of the flow and the event; not written when 0
//	traceparent        the span that publishes (W3C), when there is one
//	tracestate         when that span has one
//	ce_traceparent     the span that started the flow, when there is one
//
// then the event's own headers in their order. What is written is UTF-8 and
// never null, because CloudEvents SDKs of other languages fail on anything
// else; Check refuses an event that would break this. An event's own headers
// never replace those above. ce_partitionkey and other CloudEvents extensions
// are headers of the event's own.
//
// # What others wrote
//
// Reading forgives: a header above whose value is null, not UTF-8, longer than
// MaxAttribute or not of its form counts as missing and stays in
// [event.Meta.Headers]; of several usable ones the last counts. Names that start
// with troupe- are never among those: a record that is replayed as a dead letter
// has some, and a handler may pass on the headers it got. Then
//
//   - without ce_id the event's identity is its place in the log: source
//     kafka:<topic>, id <partition>-<offset>-<timestamp>. It is the same each time the
//     record is read, so that a redelivery is known for what it is. A ce_source
//     without ce_id is not used: the same place in two topics would get one identity.
//   - without ce_source the source is kafka:<topic>.
//   - without ce_type the type is empty: the writer schema's name is to be taken.
//   - without ce_time the time is the record's timestamp.
//   - without ce_correlationid the event starts a flow: the correlation id is
//     its id, or <topic>/<partition>-<offset>-<timestamp> when that was made up.
package wire

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/troupe-go/troupe/event"
)

// The names of the headers that this package writes and reads.
const (
	ContentType   = "content-type"
	SpecVersion   = "ce_specversion"
	ID            = "ce_id"
	Source        = "ce_source"
	Type          = "ce_type"
	Time          = "ce_time"
	DataSchema    = "ce_dataschema"
	Subject       = "ce_subject"
	CorrelationID = "ce_correlationid"
	CausationID   = "ce_causationid"
	Hops          = "troupe-hops"
	TraceParent   = "traceparent"
	TraceState    = "tracestate"
	// FlowTraceParent names the span that started the flow (CloudEvents'
	// distributed tracing extension).
	FlowTraceParent = "ce_traceparent"
	// PartitionKey is CloudEvents' partitioning extension. It is written only
	// when an event has it among its own headers.
	PartitionKey = "ce_partitionkey"
	// ValueSchemaID holds the schema's GUID in the header form of the wire format.
	ValueSchemaID = "__value_schema_id"
)

// MaxAttribute is the size in bytes that the value of a mapped header may have.
const MaxAttribute = 4096

// FramingSize is the length of what stands before the Avro data in a value.
const FramingSize = 5

const (
	// ownPrefix starts the names of Troupe's headers that CloudEvents does not know.
	ownPrefix    = "troupe-"
	avroContent  = "application/avro"
	specVersion1 = "1.0"
	schemaURN    = "urn:troupe:schema:"
)

// SchemaRef names the schema that a value was written with: a registry id or
// (header form) a GUID.
type SchemaRef struct {
	ID   int
	GUID [16]byte // all zero: the ID counts
}

// IsGUID reports whether the schema is named by its GUID.
func (s SchemaRef) IsGUID() bool { return s.GUID != [16]byte{} }

// The classes of Error. They are stable: they end up in dead letters.
const (
	NullValue        = "null-value"
	UnknownMagicByte = "unknown-magic-byte"
	Truncated        = "truncated"
	BadGUID          = "bad-guid"
)

// Error says why a record's value can't be an event. It is definite: the same
// bytes give the same error.
type Error struct {
	// Class is one of NullValue, UnknownMagicByte, Truncated and BadGUID.
	Class     string
	Topic     string
	Partition int32
	Offset    int64
	// Detail says what was found.
	Detail string
}

func (e *Error) Error() string {
	return fmt.Sprintf("read the framing of %s/%d@%d: %s: %s", e.Topic, e.Partition, e.Offset, e.Class, e.Detail)
}

func newError(r *event.Record, class, format string, args ...any) *Error {
	return &Error{Class: class, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Detail: fmt.Sprintf(format, args...)}
}

// Check says whether an event can be written: it has an id, a source, a
// type and a time; its attributes are UTF-8 of at most MaxAttribute bytes; its own headers
// are neither null nor other than UTF-8 and take no name that belongs to this
// package. Trace headers among them are no error: Encode leaves them out, so
// that a handler may pass on the headers it got.
func Check(m *event.Meta) error {
	for _, a := range [...]struct {
		name, value string
		required    bool
	}{
		{ID, m.ID, true}, {Source, m.Source, true}, {Type, m.Type, true},
		{Subject, m.Subject, false}, {CorrelationID, m.CorrelationID, false}, {CausationID, m.CausationID, false},
	} {
		switch {
		case a.required && a.value == "":
			return fmt.Errorf("event %s has no %s", m.ID, a.name)
		case len(a.value) > MaxAttribute:
			return fmt.Errorf("event %.64s: %s has %d bytes, more than %d", m.ID, a.name, len(a.value), MaxAttribute)
		case !utf8.ValidString(a.value):
			return fmt.Errorf("event %q: %s is not UTF-8", m.ID, a.name)
		}
	}
	if m.Time.IsZero() {
		return fmt.Errorf("event %s has no %s", m.ID, Time)
	}
	if y := m.Time.UTC().Year(); y < 0 || y > 9999 {
		return fmt.Errorf("event %s: %s has the year %d, which RFC 3339 can't write", m.ID, Time, y)
	}
	for _, h := range m.Headers {
		switch {
		case h.Value == nil:
			return fmt.Errorf("event %s: header %q is null; use an empty value", m.ID, h.Key)
		case !utf8.Valid(h.Value) || !utf8.ValidString(h.Key):
			return fmt.Errorf("event %s: header %q is not UTF-8; encode binary values as text", m.ID, h.Key)
		case reserved(h.Key) && !isTrace(h.Key):
			return fmt.Errorf("event %s: header %q is written by troupe; choose another name", m.ID, h.Key)
		}
	}
	return nil
}

// reserved reports whether an event's own headers may not have that name.
func reserved(name string) bool {
	switch name {
	case ContentType, SpecVersion, ID, Source, Type, Time, DataSchema, Subject, CorrelationID, CausationID, ValueSchemaID:
		return true
	}
	return isTrace(name) || strings.HasPrefix(name, ownPrefix)
}

func isTrace(name string) bool {
	return name == TraceParent || name == TraceState || name == FlowTraceParent
}
