package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe/event"
)

const (
	// unknownTopicGrace is how long a topic that the cluster does not know is
	// asked for again: one that was created a moment ago is not known everywhere.
	unknownTopicGrace = time.Second
	// leadersAge is when the leaders and the number of partitions of a topic in
	// use are looked up anew.
	leadersAge = 5 * time.Second
)

// producedTopic is a topic that this producer writes to.
type producedTopic struct {
	producer *Producer
	name     string
	parts    atomic.Pointer[[]*partition]
	// sticky is where records without a key go until a batch of it is taken; -1 for nowhere yet.
	sticky     atomic.Int32
	refreshing atomic.Bool
	// seen is when the leaders were learned, in Unix nanoseconds.
	seen atomic.Int64

	mu           sync.Mutex
	unknownSince time.Time
}

// findTopic asks for a topic until there is an answer or ctx ends, and takes it in.
func (p *Producer) findTopic(ctx context.Context, name string) (*producedTopic, error) {
	found, err := p.askForTopic(ctx, name)
	if err != nil {
		return nil, err
	}
	t := &producedTopic{producer: p, name: name}
	t.sticky.Store(-1)
	t.parts.Store(&[]*partition{})
	t.update(found.Leaders)

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if other := p.topics[name]; other != nil {
		return other, nil
	}
	p.topics[name] = t
	return t, nil
}

func (p *Producer) askForTopic(ctx context.Context, name string) (Topic, error) {
	begin := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(p.ctx, func() { cancel(ErrClosed) })
	defer stop()
	var last atomic.Pointer[error]
	why := func() error {
		if err := last.Load(); err != nil {
			return *err
		}
		return nil
	}
	defer p.sayWaiting(name, why)()
	for attempt := 0; ; attempt++ {
		t, err := p.client.Topic(ctx, name)
		unknown := errors.As(err, new(*UnknownTopicError))
		switch {
		case err == nil && len(t.Leaders) > 0:
			return t, nil
		case err == nil:
			err = fmt.Errorf("topic %s: %w", name, errNoPartitions)
		case definite(err), unknown && time.Since(begin) >= unknownTopicGrace:
			return Topic{}, err
		}
		if ctx.Err() == nil || !isOver(err) {
			last.Store(&err)
		}
		if sleep(ctx, producePause(attempt)) != nil {
			return Topic{}, &unansweredError{p.client.kafka.Brokers, time.Since(begin), context.Cause(ctx), why()}
		}
	}
}

// definite reports whether asking again can't help.
func definite(err error) bool {
	if errors.Is(err, ErrClosed) {
		return true
	}
	for _, e := range [...]kafka.Error{kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed, kafka.InvalidTopic,
		kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism, kafka.UnsupportedVersion} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// producePause is 20 ms doubled with each attempt up to 1 s, with jitter.
func producePause(attempt int) time.Duration {
	d := min(20*time.Millisecond<<min(attempt, 10), time.Second)
	return d/2 + rand.N(d/2)
}

// append adds a record to its partition.
func (t *producedTopic) append(r *event.Record, ack Ack, charge int) error {
	parts := *t.parts.Load()
	id := r.Partition
	switch {
	case id >= 0 && int(id) >= len(parts):
		return fmt.Errorf("produce to %s: there is no partition %d, only %d", t.name, id, len(parts))
	case id < 0 && r.Key != nil:
		id = partitionOf(r.Key, len(parts))
	case id < 0:
		id = t.stickyPartition(parts)
	}
	return parts[id].append(r, ack, charge)
}

// stickyPartition is the partition for records without a key (KIP-480).
func (t *producedTopic) stickyPartition(parts []*partition) int32 {
	if id := t.sticky.Load(); id >= 0 && int(id) < len(parts) {
		return id
	}
	id := chooseSticky(parts)
	t.sticky.Store(id)
	return id
}

// chooseSticky takes the better one of two partitions drawn at random: the one
// with fewer bytes waiting, so that a slow or dead broker gets less.
func chooseSticky(parts []*partition) int32 {
	a, b := parts[rand.IntN(len(parts))], parts[rand.IntN(len(parts))]
	if b.backlog() < a.backlog() {
		a = b
	}
	return a.id
}

// unstick ends a partition's turn: its open batch was closed.
func (t *producedTopic) unstick(id int32) { t.sticky.CompareAndSwap(id, -1) }

// refresh looks the leaders up anew, unless that is under way. It does not wait.
func (t *producedTopic) refresh(moved bool) {
	if !t.refreshing.CompareAndSwap(false, true) {
		return
	}
	t.producer.start(func() {
		defer t.refreshing.Store(false)
		t.learn(moved)
	})
}

func (t *producedTopic) refreshIfOld(now time.Time) {
	if now.UnixNano()-t.seen.Load() > int64(leadersAge) {
		t.refresh(false)
	}
}

func (t *producedTopic) learn(moved bool) {
	p := t.producer
	if moved {
		p.client.invalidate(t.name)
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.requestTimeout)
	defer cancel()
	found, err := p.client.Topic(ctx, t.name)
	unknown := errors.As(err, new(*UnknownTopicError))
	if t.missing(unknown) || err != nil && definite(err) {
		for _, part := range *t.parts.Load() {
			part.failAll(err)
		}
		return
	}
	if err != nil {
		for _, part := range *t.parts.Load() {
			part.note(err)
		}
		return
	}
	t.update(found.Leaders)
}

// missing keeps the time since when the topic is unknown, and reports whether the grace is over.
func (t *producedTopic) missing(unknown bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !unknown:
		t.unknownSince = time.Time{}
		return false
	case t.unknownSince.IsZero():
		t.unknownSince = time.Now()
	}
	return time.Since(t.unknownSince) >= unknownTopicGrace
}

// update takes over the leaders and adds partitions that are new.
func (t *producedTopic) update(leaders []int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen.Store(time.Now().UnixNano())
	parts := *t.parts.Load()
	if len(leaders) > len(parts) {
		more := append(make([]*partition, 0, len(leaders)), parts...)
		for id := len(parts); id < len(leaders); id++ {
			more = append(more, newPartition(t, int32(id), leaders[id]))
		}
		t.parts.Store(&more)
	}
	for i, part := range parts {
		leader := int32(-1)
		if i < len(leaders) {
			leader = leaders[i]
		}
		part.lead(leader)
	}
}

func (t *producedTopic) all() []*partition { return *t.parts.Load() }
