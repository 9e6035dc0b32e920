// Package troupetest runs a Kafka-protocol broker, Redis and a schema registry
// inside the process, for tests, examples and `troupe dev`.
package troupetest

import (
	"context"
	"testing"

	"github.com/troupe-go/troupe"
)

// Services are a running Kafka, Redis and registry: embedded, or the real ones
// that TROUPE_BROKERS, TROUPE_REDIS and TROUPE_REGISTRY name.
type Services struct {
	troupe.Settings
	// Embedded says which of them run inside this process.
}

// Options for Start. (To be completed by the author: ports, data directory, ...)
type Options struct{}

// Start starts what the environment does not name, and stops it when Close is called.
func Start(ctx context.Context, o Options) (*Services, error) { panic("not built yet") }

// Close stops what Start started.
func (s *Services) Close() error { panic("not built yet") }

// New is Start for tests: it ends with tb.
func New(tb testing.TB) *Services { panic("not built yet") }

// Topic creates a topic with a name of its own and returns the name.
func (s *Services) Topic(tb testing.TB, partitions int) string { panic("not built yet") }
