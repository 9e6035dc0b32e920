// Package event defines what travels between services: one fact, and what is
// known about it. It imports the standard library only.
package event

import (
	"context"
	"time"
)

// Event is one fact of type T and what is known about it. Its fields are
// exported so that a handler's unit test is a struct literal.
type Event[T any] struct {
	Meta
	Data T
}

// Raw is an event whose data is still encoded (Avro binary, without framing).
type Raw = Event[[]byte]

// Meta says which event this is, when and why it happened, and how it reached
// us. The attributes follow CloudEvents 1.0; an event's identity is (Source, ID).
type Meta struct {
	// ID is unique within Source (ce_id).
	ID string
	// Source is the service that published the event (ce_source).
	Source string
	// Type is the Avro full name of the event's record (ce_type).
	Type string
	// Subject is optional: what the event is about within Source (ce_subject).
	Subject string
	// Key is the Kafka record key; events of one key are handled in order.
	// A null key and an empty key both read as "".
	Key string
	// Time is when the event happened (ce_time).
	Time time.Time
	// CorrelationID is shared by every event of one flow (ce_correlationid).
	CorrelationID string
	// CausationID is the ID of the event whose handling published this one
	// (ce_causationid); empty for an event that starts a flow.
	CausationID string
	// Hops counts the handlers between the start of the flow and this event.
	Hops int
	// Headers are the record's other headers, in order: what the fields of Meta
	// say already is not repeated, trace context is among them. They share
	// memory with the record that was read: do not change them.
	Headers Headers

	// Topic, Partition and Offset are where the event was read.
	Topic     string
	Partition int32
	Offset    int64
	// Attempt counts the calls of the handler for this event, from 1.
	Attempt int
	// SchemaID is the registry's id of the schema the event was written with;
	// 0 when the writer sent a GUID instead.
	SchemaID int
}

// Headers are Kafka record headers in the order they were written. A name may
// stand more than once.
type Headers []Header

// Header is one Kafka record header. A nil Value is a null on the wire, which
// is not the same as an empty one.
type Header struct {
	Key   string
	Value []byte
}

// Get returns the value of the last header of that name, or "" if there is none.
func (h Headers) Get(name string) string {
	v, _ := h.Lookup(name)
	return string(v)
}

// Lookup returns the value of the last header of that name.
func (h Headers) Lookup(name string) ([]byte, bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Key == name {
			return h[i].Value, true
		}
	}
	return nil, false
}

// Record is a Kafka record as it lies in its topic, byte for byte. A nil Key,
// Value or header value is null; an empty one is empty.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	// Timestamp is in milliseconds since the Unix epoch.
	Timestamp int64
	Key       []byte
	Value     []byte
	Headers   Headers
}

type causeKey struct{}

// Cause is what a handler's context says of the event being handled. What is
// published with that context belongs to the same flow, and gets ids that are
// the same when the handler runs again.
type Cause struct {
	// Group is the consumer group that handles the event.
	Group string
	// Event is the event being handled.
	Event *Meta
	// ordinals counts, per (topic, type, key), what was published already.
	ordinals ordinals
}

// NewContext returns a context in which everything published is caused by m,
// handled by group. Each call starts the count of derived ids anew, so call it
// once per attempt of a handler.
func NewContext(ctx context.Context, group string, m *Meta) context.Context {
	return context.WithValue(ctx, causeKey{}, &Cause{Group: group, Event: m})
}

// FromContext returns the cause in ctx, or nil if ctx belongs to no handler.
func FromContext(ctx context.Context) *Cause {
	c, _ := ctx.Value(causeKey{}).(*Cause)
	return c
}
