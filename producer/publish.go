package producer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/schema"
)

// publicationSize is what is kept of an event until its acknowledgement, beside
// its encoded bytes: its Meta, with strings.
const publicationSize = 384

// Publish publishes record to topic under key and waits until all in-sync
// replicas have it. An empty key is null: such events have no order to keep.
//
// The error is a *PublishError. It wraps ErrUnknownFate when the event may be in
// the log all the same (also when ctx ended while it was under way), and says
// for certain that it is not otherwise: *TooLargeError, *UnknownTopicError,
// *SchemaError, ErrDeliveryTimeout, ErrClosed, ctx's, or Kafka's refusal.
func (p *Producer) Publish(ctx context.Context, topic, key string, record schema.Record, opts ...Option) error {
	w := waiters.Get().(*waiter)
	w.stats = &p.stats
	if err := p.publish(ctx, topic, key, record, opts, &w.meta, w); err != nil {
		p.stats.told(err)
		err = &PublishError{w.meta, err}
		w.free()
		return err
	}
	err, answered := w.wait(ctx)
	if !answered {
		return err // whoever answers frees w
	}
	if err != nil {
		err = &PublishError{w.meta, err}
	}
	w.free()
	return err
}

// PublishAsync publishes without waiting for the acknowledgement: done is told
// of the event's fate, exactly once, unless PublishAsync itself returns an
// error. It blocks while MaxBufferedBytes are waiting (bounded memory), and for
// the first event of a type or topic while those are looked up.
//
// done gets the event as it was published, with its partition and offset when
// it is in the log (offset -1 where Kafka does not tell), and an error as
// Publish returns it. It is called from the producer's goroutines, for one
// partition in order, and must not block: whatever waits in it holds up the
// events behind. A nil done leaves failures to Config.Log.
func (p *Producer) PublishAsync(ctx context.Context, topic, key string, record schema.Record, done func(event.Meta, error), opts ...Option) error {
	l := listeners.Get().(*listener)
	l.producer, l.done = p, done
	if err := p.publish(ctx, topic, key, record, opts, &l.meta, l); err != nil {
		p.stats.told(err)
		err = &PublishError{l.meta, err}
		l.free()
		return err
	}
	return nil
}

// scratch is memory for encoding one event.
type scratch struct{ record event.Record }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// keptValue is the largest value whose memory is kept for the next event.
const keptValue = 256 << 10

func (s *scratch) free() {
	if cap(s.record.Value) > keptValue {
		s.record.Value = nil
	}
	clear(s.record.Headers)
	s.record.Key = nil
	scratches.Put(s)
}

// publish fills in the event's meta, encodes it and hands it to the broker
// room. meta may be freed by ack from then on.
func (p *Producer) publish(ctx context.Context, topic, key string, record schema.Record, opts []Option, meta *event.Meta, ack broker.Ack) error {
	meta.Topic, meta.Key, meta.Source = topic, key, p.cfg.Source
	sc, err := schema.Of(record)
	if err != nil {
		meta.Type = fmt.Sprintf("%T", record)
		return err
	}
	meta.Type = sc.FullName()
	if err := ctx.Err(); err != nil {
		return err
	}
	var known bool
	if meta.SchemaID, known = p.schemas.cached(topic, sc); !known {
		bounded, cancel := context.WithTimeoutCause(ctx, p.cfg.DeliveryTimeout, ErrDeliveryTimeout)
		defer cancel()
		if meta.SchemaID, err = p.schemas.id(bounded, topic, sc); err != nil {
			return err
		}
		ctx = bounded
	}
	describe(ctx, meta, opts)
	if err := wire.Check(meta); err != nil {
		return err
	}
	s := scratches.Get().(*scratch)
	defer s.free()
	r := &s.record
	// Behind the framing, so that the mapping need not move it.
	data, err := schema.AppendEncode(append(r.Value[:0], make([]byte, wire.FramingSize)...), record)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	r.Value = data
	wire.Encode(ctx, r, meta, meta.SchemaID, data[wire.FramingSize:])
	r.Topic, r.Partition, r.Timestamp = topic, -1, meta.Time.UnixMilli()
	return p.producer.Produce(ctx, r, ack)
}

// describe fills in what the options leave open: the id, the time, and where
// the event stands in its flow.
func describe(ctx context.Context, m *event.Meta, opts []Option) {
	for _, o := range opts {
		o(m)
	}
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	cause := event.FromContext(ctx)
	if m.ID == "" {
		if cause != nil {
			m.ID = cause.DerivedID(m.Topic, m.Type, m.Key)
		} else {
			m.ID = uuid.Must(uuid.NewV7()).String()
		}
	}
	if cause != nil {
		parent := cause.Event
		m.CausationID, m.Hops = parent.ID, parent.Hops+1
		if m.CorrelationID == "" {
			m.CorrelationID = parent.CorrelationID
		}
	}
	if m.CorrelationID == "" {
		m.CorrelationID = m.ID
	}
}

// waiter is a Publish that waits for its answer.
type waiter struct {
	meta   event.Meta
	stats  *counters
	answer chan error
	// state says who frees the waiter: whoever comes second.
	state atomic.Int32
}

const (
	waiting int32 = iota
	answered
	abandoned
)

var waiters = sync.Pool{New: func() any { return &waiter{answer: make(chan error, 1)} }}

func (w *waiter) free() {
	w.meta = event.Meta{}
	w.state.Store(waiting)
	waiters.Put(w)
}

// Acked implements broker.Ack.
func (w *waiter) Acked(_ int32, _ int64, err error) {
	w.stats.told(err)
	if w.state.CompareAndSwap(waiting, answered) {
		w.answer <- err
		return
	}
	w.free()
}

// wait returns the answer. When ctx ends first, it returns the whole error, and
// w belongs to Acked.
func (w *waiter) wait(ctx context.Context) (err error, inTime bool) {
	select {
	case err := <-w.answer:
		return err, true
	case <-ctx.Done():
	}
	meta := w.meta // before Acked may free it
	if !w.state.CompareAndSwap(waiting, abandoned) {
		return <-w.answer, true
	}
	return &PublishError{meta, fmt.Errorf("%w before it was acknowledged: %w", ctx.Err(), ErrUnknownFate)}, false
}

// listener is a PublishAsync under way.
type listener struct {
	producer *Producer
	meta     event.Meta
	done     func(event.Meta, error)
}

var listeners = sync.Pool{New: func() any { return new(listener) }}

func (l *listener) free() {
	*l = listener{}
	listeners.Put(l)
}

// Acked implements broker.Ack.
func (l *listener) Acked(partition int32, offset int64, err error) {
	meta, done, p := l.meta, l.done, l.producer
	l.free()
	p.stats.told(err)
	meta.Partition, meta.Offset = partition, offset
	if err != nil {
		err = &PublishError{meta, err}
	}
	switch {
	case done != nil:
		done(meta, err)
	case err != nil:
		p.cfg.Log.Error("an event was not acknowledged", "err", err, "key", meta.Key, "correlation_id", meta.CorrelationID,
			"may_be_in_the_log", errors.Is(err, ErrUnknownFate))
	}
}
