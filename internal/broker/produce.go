package broker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe/event"
)

// ProducerConfig says how a Producer produces. The zero value of each field means its default.
type ProducerConfig struct {
	// MaxBufferedBytes bounds what was produced and is not acknowledged; Produce
	// blocks beyond it. Defaults to 32 MiB.
	MaxBufferedBytes int
	// MaxBatchBytes bounds one record batch before compression, and so one
	// record. Defaults to 1,000,000 (the broker's message.max.bytes is 1,048,588
	// by default). A topic that allows less gets smaller batches.
	MaxBatchBytes int
	// RecordOverhead is added to each record's size in MaxBufferedBytes: what
	// the caller keeps of it until the acknowledgement. Defaults to 0.
	RecordOverhead int
	// Compression of batches. Defaults to none.
	Compression kafka.Compression
	// DeliveryTimeout bounds the time from Produce to the acknowledgement or
	// the error, retries included. Defaults to 30 s.
	DeliveryTimeout time.Duration
}

// Ack is told of a record's fate, exactly once. It is called from the
// producer's goroutines, for one partition in the order of its records, and
// must not block.
type Ack interface {
	// Acked: err is nil when the record is in the log, at that offset, on all
	// in-sync replicas (the offset is -1 when the broker does not remember it).
	// Otherwise it is a *ProduceError; one that wraps ErrUnknownFate means that
	// the record may or may not be in the log, any other that it is not.
	Acked(partition int32, offset int64, err error)
}

// Producer is an idempotent (KIP-98), self-clocking producer: no linger timer;
// whatever has accumulated goes out as soon as a request slot is free, one batch
// in flight per partition, a retry sends the same bytes. It is safe for
// concurrent use; records of one partition keep the order of their Produce calls.
type Producer struct {
	client *Client
	cfg    ProducerConfig
	// requestTimeout bounds one request, brokerWait is the part of it that the
	// broker may wait for its followers.
	requestTimeout, brokerWait time.Duration
	budget                     *budget
	identities                 identities
	outage                     outage

	// ctx ends with Close; running is what Close waits for.
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	life    sync.Mutex
	stopped bool // guarded by life: nothing is started any more

	mu      sync.RWMutex
	closed  bool
	topics  map[string]*producedTopic
	senders map[int32]*sender
}

// NewProducer returns a Producer. It dials nothing: the producer id is asked
// for with the first batch. Close it before the Client.
func (c *Client) NewProducer(cfg ProducerConfig) *Producer {
	if cfg.MaxBufferedBytes == 0 {
		cfg.MaxBufferedBytes = 32 << 20
	}
	if cfg.MaxBatchBytes == 0 {
		cfg.MaxBatchBytes = 1_000_000
	}
	cfg.MaxBatchBytes = min(cfg.MaxBatchBytes, cfg.MaxBufferedBytes-cfg.RecordOverhead)
	if cfg.DeliveryTimeout == 0 {
		cfg.DeliveryTimeout = 30 * time.Second
	}
	wait := min(5*time.Second, cfg.DeliveryTimeout)
	p := &Producer{
		client:         c,
		cfg:            cfg,
		brokerWait:     wait,
		requestTimeout: min(wait+c.kafka.RequestTimeout, cfg.DeliveryTimeout),
		budget:         newBudget(cfg.MaxBufferedBytes),
		topics:         make(map[string]*producedTopic),
		senders:        make(map[int32]*sender),
	}
	p.identities.producer = p
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(p.watchDeadlines)
	return p
}

// Produce takes r (topic, timestamp, key, value, headers; r may be reused when
// Produce has returned) and tells ack of its fate later. A negative r.Partition
// means: murmur2 of the key as Java's client does, or for a null key a
// partition that sticks for a batch. It blocks while the buffer is full, until
// ctx ends or the delivery timeout is over. An error means that r was not taken
// and ack is never called: *UnknownTopicError, *RecordTooLargeError, ErrClosed,
// ctx's, ErrDeliveryTimeout, or the cluster's refusal of the topic.
func (p *Producer) Produce(ctx context.Context, r *event.Record, ack Ack) error {
	size := batchOverhead + recordSize(r)
	if size > p.cfg.MaxBatchBytes {
		return &RecordTooLargeError{r.Topic, size, p.cfg.MaxBatchBytes}
	}
	charge := min(size+ackSize+p.cfg.RecordOverhead, p.cfg.MaxBufferedBytes)
	t, err := p.admit(ctx, r.Topic, charge)
	if err != nil {
		return err
	}
	if err := t.append(r, ack, charge); err != nil {
		p.budget.give(charge)
		return err
	}
	return nil
}

// admit finds the topic and takes n bytes from the budget, for at most the delivery timeout.
func (p *Producer) admit(ctx context.Context, topic string, n int) (*producedTopic, error) {
	p.mu.RLock()
	t, closed := p.topics[topic], p.closed
	p.mu.RUnlock()
	switch {
	case closed:
		return nil, fmt.Errorf("produce to %s: %w", topic, ErrClosed)
	case t != nil && p.budget.tryTake(n):
		return t, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.cfg.DeliveryTimeout, ErrDeliveryTimeout)
	defer cancel()
	if t == nil {
		var err error
		if t, err = p.findTopic(ctx, topic); err != nil {
			return nil, fmt.Errorf("produce to %s: %w", topic, err)
		}
	}
	err := p.budget.take(ctx, n)
	switch {
	case err == nil:
		return t, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("produce to %s: the buffer is full, %d bytes wait for their acknowledgement: %w", topic, p.budget.inUse(), context.Cause(ctx))
	}
	return nil, fmt.Errorf("produce to %s: %w", topic, err)
}

// Find looks a topic up, as the first Produce to it does. The delivery timeout bounds it.
func (p *Producer) Find(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.cfg.DeliveryTimeout, ErrDeliveryTimeout)
	defer cancel()
	_, err := p.findTopic(ctx, topic)
	return err
}

// Flush returns when everything produced before the call has had its fate told, or ctx ends.
func (p *Producer) Flush(ctx context.Context) error {
	for _, t := range p.partitions() {
		settled := t.settlement()
		if settled == nil {
			continue
		}
		select {
		case <-settled:
		case <-ctx.Done():
			return fmt.Errorf("flush: %d bytes are not acknowledged: %w", p.budget.inUse(), ctx.Err())
		}
	}
	return nil
}

// Close flushes until ctx ends; what is left then fails, and the error is
// ctx's. It waits for the producer's goroutines. A second Close returns ErrClosed.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.closed = true
	p.mu.Unlock()

	p.budget.close()
	for _, t := range p.partitions() {
		t.close()
	}
	err := p.Flush(ctx)
	p.life.Lock()
	p.stopped = true
	p.life.Unlock()
	p.cancel()
	p.running.Wait()
	for _, t := range p.partitions() {
		t.failAll(ErrClosed)
	}
	return err
}

// partitions returns all partitions that anything was produced to.
func (p *Producer) partitions() []*partition {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var all []*partition
	for _, t := range p.topics {
		all = append(all, t.all()...)
	}
	return all
}

// sender returns the sender of a node, and starts it on first use.
func (p *Producer) sender(node int32) *sender {
	p.mu.RLock()
	s := p.senders[node]
	p.mu.RUnlock()
	if s != nil {
		return s
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.senders[node]; s != nil {
		return s
	}
	s = newSender(p, node)
	p.senders[node] = s
	p.start(s.run)
	return s
}

// start runs f in a goroutine that Close waits for, unless Close is that far already.
func (p *Producer) start(f func()) {
	p.life.Lock()
	defer p.life.Unlock()
	if !p.stopped {
		p.running.Go(f)
	}
}

// watchDeadlines ends what is not acknowledged within the delivery timeout. It
// sleeps while nothing is buffered.
func (p *Producer) watchDeadlines() {
	period := min(max(p.cfg.DeliveryTimeout/40, time.Millisecond), 250*time.Millisecond)
	timer := time.NewTimer(period)
	defer timer.Stop()
	for {
		if p.budget.inUse() == 0 {
			select {
			case <-p.budget.busy:
			case <-p.ctx.Done():
				return
			}
		}
		timer.Reset(period)
		select {
		case <-timer.C:
		case <-p.ctx.Done():
			return
		}
		now := time.Now()
		for _, t := range p.partitions() {
			t.expire(now)
		}
	}
}
