package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/schema"
)

// Permanent marks err as one that no retry can cure: the event goes to the dead
// letters at once. It returns nil for a nil err.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// Skip says that the event needs no handling, and why. It counts as handled and
// is counted in Stats.Skipped; nothing is dead-lettered.
func Skip(reason string) error { return &skipError{reason} }

// RetryAfter asks for the next attempt after d instead of the usual backoff. It
// costs an attempt like any other failure. It returns nil for a nil err.
func RetryAfter(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &retryError{d, err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

type skipError struct{ reason string }

func (e *skipError) Error() string { return "skipped: " + e.reason }

type retryError struct {
	after time.Duration
	err   error
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// panicError is what a handler that panicked returned.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	if e.value == nil {
		return "the handler called runtime.Goexit"
	}
	return fmt.Sprintf("panic: %v", e.value)
}

// ErrorType is what a dead letter shows as the type of the error: what the
// handler panicked with.
func (e *panicError) ErrorType() string {
	if e.value == nil {
		return "runtime.Goexit"
	}
	return fmt.Sprintf("%T", e.value)
}

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// verdict is what follows from one call of a handler.
type verdict struct {
	done    bool          // the event is handled
	skipped bool          // by Skip
	class   string        // dead-letter it
	away    bool          // the registry is: try again, at no attempt's cost
	after   time.Duration // otherwise: try again then
}

// judge decides what follows from the attempt-th call's outcome.
func judge(err error, attempt, maxAttempts int, backoff func(attempt int) time.Duration) verdict {
	if err == nil {
		return verdict{done: true}
	}
	var (
		skip      *skipError
		permanent *permanentError
		panicked  *panicError
		retry     *retryError
		away      *schema.UnavailableError
	)
	switch {
	case errors.As(err, &skip):
		return verdict{done: true, skipped: true}
	case errors.As(err, &panicked):
		return verdict{class: dlq.ClassPanic}
	case errors.As(err, &permanent):
		return verdict{class: dlq.ClassPermanent}
	case errors.As(err, &away): // what the handler publishes can't be encoded yet
		return verdict{away: true}
	case attempt >= maxAttempts:
		return verdict{class: dlq.ClassHandler}
	case errors.As(err, &retry):
		return verdict{after: retry.after}
	}
	return verdict{after: backoff(attempt)}
}

// sound returns err. It panics, where that is recovered, when err can't be
// used: the typed nil that handlers return by mistake.
func sound(err error) error {
	if err != nil {
		_ = judge(err, 0, 1, func(int) time.Duration { return 0 })
		_ = err.Error()
	}
	return err
}
