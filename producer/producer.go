// Package producer publishes typed events.
//
// An event is an Avro record with an id, a cause and a key. Publishing inside a
// handler, with the handler's context, makes it part of the same flow: it has
// the flow's correlation id, names its parent as its cause, and gets an id that
// is the same when the handler runs again, so that who reads it absorbs the repeat.
//
// Underneath is an idempotent Kafka producer: each event is in the log once,
// events of one key in the order they were published, however often connections
// break or leaders move. What was not acknowledged is always told, and ErrUnknownFate
// tells "it may be in the log" from "it is not".
package producer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/schema"
)

// Config says how a Producer publishes. The zero value of each field but
// Kafka, Registry and Source means its default.
type Config struct {
	Kafka    troupe.Kafka
	Registry schema.Registry
	// Source names this service (ce_source). An event's identity is (Source, id).
	Source string
	// AutoRegister registers a schema that the registry does not have yet, after it
	// was checked against the subject's versions; the registry may refuse it all the
	// same. Defaults to false: Prepare and Publish fail for such a schema.
	AutoRegister bool
	// Compatibility is what a schema and the earlier versions of its subject have to
	// be to each other: Prepare and the first Publish of a type fail otherwise, whether
	// the schema is registered or shall be. schema.None leaves that to the registry. Set it where this
	// service may not read the registry's config. Defaults to the subject's level there, or schema.Backward
	// where the registry has none.
	Compatibility schema.Mode
	// Subject names the registry subject. Defaults to schema.TopicRecordName.
	Subject schema.SubjectNamer
	// Compression of record batches. Defaults to none.
	Compression kafka.Compression
	// DeliveryTimeout bounds the time that an event is under way, all retries
	// included. What may come before that - looking up its schema and topic,
	// waiting for room in the buffer - is bounded by it as well, so that Publish
	// returns within twice of it. Defaults to 30 s.
	DeliveryTimeout time.Duration
	// MaxBufferedBytes bounds what is published and not acknowledged yet;
	// publishing waits beyond it. Defaults to 32 MiB.
	MaxBufferedBytes int
	// MaxBatchBytes bounds one record batch before compression, and so one
	// event with its headers. Kafka takes 1,048,588 by default; raise it with
	// the topic's max.message.bytes. Defaults to 1,000,000.
	MaxBatchBytes int
	// Log is told what nobody else hears of: the failure of an event published
	// without a done function. Defaults to slog.Default().
	Log *slog.Logger
}

// Producer publishes events. It is safe for concurrent use.
type Producer struct {
	cfg      Config
	client   *broker.Client
	producer *broker.Producer
	schemas  *schemaIDs
	stats    counters
}

// New checks cfg and returns every problem together. It dials nothing: it does not
// know yet what will be published. Prepare is where a service refuses to start.
func New(cfg Config) (*Producer, error) {
	if cfg.Subject == nil {
		cfg.Subject = schema.TopicRecordName
	}
	if cfg.DeliveryTimeout == 0 {
		cfg.DeliveryTimeout = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	client, err := broker.New(cfg.Kafka, cfg.Log)
	if err := errors.Join(cfg.check(), err); err != nil {
		if client != nil {
			err = errors.Join(err, client.Close())
		}
		return nil, fmt.Errorf("producer: %w", err)
	}
	return &Producer{
		cfg:    cfg,
		client: client,
		producer: client.NewProducer(broker.ProducerConfig{
			MaxBufferedBytes: cfg.MaxBufferedBytes,
			MaxBatchBytes:    cfg.MaxBatchBytes,
			RecordOverhead:   publicationSize,
			Compression:      cfg.Compression,
			DeliveryTimeout:  cfg.DeliveryTimeout,
		}),
		schemas: newSchemaIDs(&cfg),
	}, nil
}

func (cfg *Config) check() error {
	var errs []error
	problem := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	problem(cfg.Registry == nil, "Registry is missing")
	problem(cfg.Source == "", "Source is missing: the name of this service")
	problem(len(cfg.Source) > wire.MaxAttribute, "Source has %d bytes, more than %d", len(cfg.Source), wire.MaxAttribute)
	problem(!utf8.ValidString(cfg.Source), "Source %q is not UTF-8", cfg.Source)
	if cfg.Compatibility != "" {
		mode, err := schema.ParseMode(string(cfg.Compatibility))
		problem(err != nil, "Compatibility: %w", err)
		cfg.Compatibility = mode
	}
	problem(cfg.Compression < 0 || cfg.Compression > kafka.Zstd, "Compression %d is none of Kafka's", cfg.Compression)
	problem(cfg.DeliveryTimeout < 0, "DeliveryTimeout %v is negative", cfg.DeliveryTimeout)
	problem(cfg.MaxBufferedBytes < 0 || cfg.MaxBufferedBytes > 0 && cfg.MaxBufferedBytes < smallestBuffer,
		"MaxBufferedBytes %d is less than %d", cfg.MaxBufferedBytes, smallestBuffer)
	problem(cfg.MaxBatchBytes < 0 || cfg.MaxBatchBytes > 0 && cfg.MaxBatchBytes < smallestBatch,
		"MaxBatchBytes %d is less than %d", cfg.MaxBatchBytes, smallestBatch)
	return errors.Join(errs...)
}

// Below these an event with its headers does not fit.
const (
	smallestBatch  = 4 << 10
	smallestBuffer = 16 << 10
)

// Prepare looks up a topic and the schema ids of what will be published to it,
// and returns every problem together, so that a service refuses to start, instead of failing
// with its first event, when the topic is missing, a schema is not registered, or
// the subject's history does not allow it (Config.Compatibility). With AutoRegister new schemas are
// registered. Of the records only the types count; nil pointers will do.
//
// It waits while Kafka or the registry is away, and says so in the log; ctx and the
// delivery timeout bound it. A service that never calls it meets the same checks when it first
// publishes a type. Afterwards publishing these types needs no registry any more.
func (p *Producer) Prepare(ctx context.Context, topic string, records ...schema.Record) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.cfg.DeliveryTimeout, ErrDeliveryTimeout)
	defer cancel()
	errs := make([]error, 1+len(records))
	var looking sync.WaitGroup
	looking.Go(func() { errs[0] = p.producer.Find(ctx, topic) })
	for i, r := range records {
		looking.Go(func() { errs[1+i] = p.prepareRecord(ctx, topic, r) })
	}
	looking.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("prepare to publish to %s: %w", topic, err)
	}
	return nil
}

func (p *Producer) prepareRecord(ctx context.Context, topic string, r schema.Record) error {
	s, err := schema.Of(r)
	if err != nil {
		return fmt.Errorf("schema of %T: %w", r, err)
	}
	_, err = p.schemas.id(ctx, topic, s)
	return err
}

// Flush waits until every event published before the call has had its fate told, or ctx ends.
func (p *Producer) Flush(ctx context.Context) error { return p.producer.Flush(ctx) }

// Close flushes and closes; it is bounded by DeliveryTimeout. What is not
// acknowledged by then is told so, as after any failure. Publishing after Close
// returns ErrClosed.
func (p *Producer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.DeliveryTimeout)
	defer cancel()
	err := p.producer.Close(ctx)
	p.schemas.close()
	if closed := p.client.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("close the producer: %w", err)
	}
	return nil
}
