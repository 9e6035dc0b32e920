package broker

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe/event"
)

// ProducerConfig says how a Producer produces. The zero value of each field means its default.
type ProducerConfig struct {
	// MaxBufferedBytes bounds what was produced and is not acknowledged; Produce
	// blocks beyond it. Defaults to 32 MiB.
	MaxBufferedBytes int
	// MaxBatchBytes bounds one record batch, and so one record. Defaults to
	// 1,000,000 minus overhead (the broker's max.message.bytes is 1,048,588 by default).
	MaxBatchBytes int
	// Compression of batches. Defaults to none.
	Compression kafka.Compression
	// DeliveryTimeout bounds the time from Produce to the acknowledgement or
	// the error, retries included. Defaults to 30 s.
	DeliveryTimeout time.Duration
}

// Ack is told of a record's fate, exactly once. It is called from the
// producer's goroutines and must not block.
type Ack interface {
	// Acked: err is nil when the record is in the log, at that offset, on all
	// in-sync replicas. An error that wraps ErrUnknownFate means that the record
	// may or may not be in the log; any other error means that it is not.
	Acked(partition int32, offset int64, err error)
}

// Producer is an idempotent (KIP-98), self-clocking producer: no linger timer;
// whatever has accumulated goes out as soon as a request slot is free, one batch
// in flight per partition, a retry sends the same bytes. It is safe for
// concurrent use; records of one partition keep the order of their Produce calls.
type Producer struct{}

// NewProducer returns a Producer. It dials nothing: the producer id is asked
// for with the first batch.
func (c *Client) NewProducer(cfg ProducerConfig) *Producer { panic("not built yet") }

// Produce takes r (topic, timestamp, key, value, headers; r may be reused when
// Produce has returned) and tells ack of its fate later. A negative r.Partition
// means: murmur2 of the key as Java's client does, or for a null key a
// partition that sticks for a batch. It blocks while the buffer is full, until
// ctx ends. An error means that r was not taken and ack is never called:
// *UnknownTopicError, *RecordTooLargeError, ErrClosed, ctx's, or no metadata
// within the delivery timeout.
func (p *Producer) Produce(ctx context.Context, r *event.Record, ack Ack) error {
	panic("not built yet")
}

// Flush returns when everything produced before the call has had its fate told, or ctx ends.
func (p *Producer) Flush(ctx context.Context) error { panic("not built yet") }

// Close flushes until ctx ends; what is left then fails. It waits for the producer's goroutines.
func (p *Producer) Close(ctx context.Context) error { panic("not built yet") }
