package producer

import (
	"time"

	"github.com/troupe-go/troupe/event"
)

// Option changes one event before it is published.
type Option func(*event.Meta)

// WithID gives the event an id of the caller's, such as one made when the fact
// was recorded, so that publishing it again is the same event. It has to be the
// same to the letter: another payload (a time of day in it, say) under an id that
// was handled is a dead letter of class "id-reused", because dropping it could
// lose a fact. By default the id is a new UUIDv7, or inside a handler one derived
// from the event being handled (see event.Cause.DerivedID).
func WithID(id string) Option { return func(m *event.Meta) { m.ID = id } }

// WithSubject says what the event is about within its source (ce_subject).
func WithSubject(subject string) Option { return func(m *event.Meta) { m.Subject = subject } }

// WithTime says when the event happened. By default that is now.
func WithTime(t time.Time) Option { return func(m *event.Meta) { m.Time = t } }

// WithCorrelationID makes the event part of a flow that began elsewhere, such as
// with an HTTP request. By default an event belongs to the flow of the event
// being handled, and outside of a handler starts one of its own.
func WithCorrelationID(id string) Option { return func(m *event.Meta) { m.CorrelationID = id } }

// WithHeader adds a header. Names that start with "ce_" and are CloudEvents'
// own, and those that start with "troupe-", are refused; so is a value that is not UTF-8.
func WithHeader(name, value string) Option {
	return func(m *event.Meta) {
		m.Headers = append(m.Headers, event.Header{Key: name, Value: []byte(value)})
	}
}
