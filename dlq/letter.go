// Package dlq keeps the events that could not be handled: it writes dead
// letters and reads them back.
package dlq

import (
	"context"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
)

// Failure is an event that could not be handled and why.
type Failure struct {
	// Record is the record as it was read, byte for byte.
	Record event.Record
	// Event is what could be read of it.
	Event event.Meta
	// Group is the consumer group, Handler the name of the handler ("" when none was reached).
	Group, Handler string
	// Class is a short, stable name of the kind of failure: "handler", "permanent", "panic", "decode", "schema", "id-reused", "hops", ...
	Class string
	Cause error
	// Stack is the panic's stack, if there was one.
	Stack []byte
	// Attempts is how often the handler was called.
	Attempts      int
	FirstFailedAt time.Time
	FailedAt      time.Time
}

// Config says where the letters go.
type Config struct {
	Kafka troupe.Kafka
	// ServiceVersion is written into each letter. Defaults to the main module's version.
	ServiceVersion string
}

// Writer writes dead letters to dlq.<group>. It is safe for concurrent use.
type Writer struct{}

// NewWriter checks cfg. It dials nothing.
func NewWriter(cfg Config) (*Writer, error) { panic("not built yet") }

// Put writes a letter and returns when all in-sync replicas have it.
func (w *Writer) Put(ctx context.Context, f Failure) error { panic("not built yet") }

// Provision creates the letter topic of a group, with as many partitions as the
// widest of the source topics, if it does not exist.
func (w *Writer) Provision(ctx context.Context, group string, sources ...string) error {
	panic("not built yet")
}

// Close flushes and closes.
func (w *Writer) Close() error { panic("not built yet") }
