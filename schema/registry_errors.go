package schema

import (
	"fmt"
	"strings"
)

// NotFoundError is a registry's definite answer that something is not there:
// asking again gives the same answer until somebody registers it.
type NotFoundError struct {
	// What was asked for and where, such as "schema 41 in http://localhost:8081".
	What string
}

func (e *NotFoundError) Error() string { return e.What + " not found" }

// UnavailableError says that a registry could not be asked: it is down, hangs,
// refuses the credentials, or answers what no registry answers. Nothing is
// known about the schema. Asking again later may succeed.
type UnavailableError struct {
	// Registry is its URL without credentials, or its directory.
	Registry string
	// Status is the HTTP status of the last answer, which Err repeats: 401, 500. It is 0 when there was none,
	// when it had nothing of a registry's, and when nothing was asked over HTTP.
	Status int
	// Err is what happened, in one line. Where the time for an ask was up it wraps
	// context.DeadlineExceeded or context.Canceled, beside what was answered before that.
	Err error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("schema registry %s: %v", e.Registry, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// IncompatibleError says that a registry refused to add a schema to a subject,
// because readers or writers of its other versions would break.
type IncompatibleError struct {
	Subject string
	// Reasons are the registry's own words, one for each violation that it named.
	Reasons []string
	// Err is the refusal as it was received. It may be nil.
	Err error
}

func (e *IncompatibleError) Error() string {
	s := fmt.Sprintf("subject %q refuses the schema as incompatible", e.Subject)
	switch {
	case len(e.Reasons) > 0:
		return s + ": " + strings.Join(e.Reasons, "; ")
	case e.Err != nil:
		return s + ": " + e.Err.Error()
	}
	return s
}

func (e *IncompatibleError) Unwrap() error { return e.Err }
