// Package producer publishes typed events.
package producer

import (
	"context"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/schema"
)

// Config says how a Producer publishes. The zero value of each field but
// Kafka, Registry and Source means its default.
type Config struct {
	Kafka    troupe.Kafka
	Registry schema.Registry
	// Source names this service (ce_source). An event's identity is (Source, id).
	Source string
	// AutoRegister registers a schema that the registry does not have yet, after
	// our own check against its history. Defaults to false: such a publish fails.
	AutoRegister bool
	// Subject names the registry subject. Defaults to schema.TopicRecordName.
	Subject schema.SubjectNamer
	// Compression of record batches. Defaults to none.
	Compression kafka.Compression
	// DeliveryTimeout bounds the time from Publish to its answer. Defaults to 30 s.
	DeliveryTimeout time.Duration
	// MaxBufferedBytes bounds what is published and not acknowledged yet. Defaults to 32 MiB.
	MaxBufferedBytes int
	Log              *slog.Logger
}

// Producer publishes events. It is safe for concurrent use.
type Producer struct{}

// New checks cfg and returns every problem together. It dials nothing.
func New(cfg Config) (*Producer, error) { panic("not built yet") }

// Publish publishes record to topic under key and waits until all in-sync
// replicas have it.
func (p *Producer) Publish(ctx context.Context, topic, key string, record schema.Record, opts ...Option) error {
	panic("not built yet")
}

// PublishAsync publishes without waiting for the acknowledgement: done is told
// of the event's fate, exactly once, unless PublishAsync itself returns an
// error. It blocks while MaxBufferedBytes are waiting (bounded memory).
func (p *Producer) PublishAsync(ctx context.Context, topic, key string, record schema.Record, done func(event.Meta, error), opts ...Option) error {
	panic("not built yet")
}

// Option changes one event before it is published.
type Option func(*event.Meta)

// Flush waits until every event published so far has had its fate told.
func (p *Producer) Flush(ctx context.Context) error { panic("not built yet") }

// Close flushes and closes; it is bounded by DeliveryTimeout.
func (p *Producer) Close() error { panic("not built yet") }
