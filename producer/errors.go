package producer

import (
	"fmt"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker"
)

var (
	// ErrUnknownFate is wrapped by the error of an event that was sent and may
	// or may not be in the log: no answer that settles it came within the
	// delivery timeout, or before ctx ended. Publishing it again under the same
	// id (WithID; by itself inside a handler that runs again) is safe: who
	// reads it absorbs the repeat. Errors without it mean that the event is not in the log.
	ErrUnknownFate = broker.ErrUnknownFate
	// ErrDeliveryTimeout is wrapped when the delivery timeout was over.
	ErrDeliveryTimeout = broker.ErrDeliveryTimeout
	// ErrClosed is wrapped by what is called after Close.
	ErrClosed = broker.ErrClosed
)

type (
	// TooLargeError says that an event does not fit into a batch, with its size
	// and the limit. It was not sent.
	TooLargeError = broker.RecordTooLargeError
	// UnknownTopicError says that the topic does not exist.
	UnknownTopicError = broker.UnknownTopicError
)

// SchemaError says that an event can't be published because of its schema: the
// registry does not have it, the subject's history does not allow it, the registry refuses it,
// or it could not be asked in time. It wraps *schema.NotFoundError, *HistoryError (and with it
// *schema.IncompatibleError), *schema.IncompatibleError alone, or *schema.UnavailableError.
type SchemaError struct {
	// Topic, Type and Subject say what was to be published, and where its schema was looked for.
	Topic, Type, Subject string
	Err                  error
	advice               string
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("schema of %s under subject %s: %v%s", e.Type, e.Subject, e.Err, e.advice)
}

func (e *SchemaError) Unwrap() error { return e.Err }

// PublishError says which event was not acknowledged, and why.
type PublishError struct {
	// Meta is the event; its ID is empty when the failure came before it had one.
	Meta event.Meta
	// Err is the reason.
	Err error
}

func (e *PublishError) Error() string {
	s := "publish " + e.Meta.Type
	if e.Meta.ID != "" {
		s += " " + e.Meta.ID
	}
	return fmt.Sprintf("%s to %s: %v", s, e.Meta.Topic, e.Err)
}

func (e *PublishError) Unwrap() error { return e.Err }

// PublishAllError lists the events of a PublishAll that were not acknowledged;
// all others are in the log.
type PublishAllError struct {
	// Total is the number of messages.
	Total int
	// Failed are the ones not acknowledged, by their index.
	Failed []Failure
}

// Failure is one message that was not acknowledged.
type Failure struct {
	// Index is the message's place in the arguments of PublishAll.
	Index int
	// Err is a *PublishError.
	Err error
}

func (e *PublishAllError) Error() string {
	first := e.Failed[0]
	return fmt.Sprintf("%d of %d events were not acknowledged, first number %d: %v", len(e.Failed), e.Total, first.Index, first.Err)
}

// Unwrap returns the errors of the messages that failed.
func (e *PublishAllError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}
