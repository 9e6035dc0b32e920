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

// topic returns a topic, looked up in the cluster on first use.
func (p *Producer) topic(ctx context.Context, name string) (*producedTopic, error) {
	p.mu.RLock()
	t, closed := p.topics[name], p.closed
	p.mu.RUnlock()
	switch {
	case closed:
		return nil, fmt.Errorf("produce to %s: %w", name, ErrClosed)
	case t != nil:
		return t, nil
	}
	found, err := p.findTopic(ctx, name)
	if err != nil {
		return nil, err
	}
	t = &producedTopic{producer: p, name: name}
	t.sticky.Store(-1)
	t.parts.Store(&[]*partition{})
	t.update(found.Leaders)

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("produce to %s: %w", name, ErrClosed)
	}
	if other := p.topics[name]; other != nil {
		return other, nil
	}
	p.topics[name] = t
	return t, nil
}

// findTopic asks for a topic until there is an answer, ctx ends or the delivery timeout is over.
func (p *Producer) findTopic(ctx context.Context, name string) (Topic, error) {
	begin := time.Now()
	wait, cancel := context.WithTimeout(ctx, p.cfg.DeliveryTimeout)
	defer cancel()
	stop := context.AfterFunc(p.ctx, cancel)
	defer stop()
	var last error
	for attempt := 0; ; attempt++ {
		t, err := p.client.Topic(wait, name)
		unknown := errors.As(err, new(*UnknownTopicError))
		switch {
		case err == nil && len(t.Leaders) > 0:
			return t, nil
		case err == nil:
			err = fmt.Errorf("topic %s has no partitions", name)
		case definite(err), unknown && time.Since(begin) >= unknownTopicGrace:
			return Topic{}, fmt.Errorf("produce to %s: %w", name, err)
		}
		if wait.Err() == nil || last == nil {
			last = err
		}
		if sleep(wait, producePause(attempt)) != nil {
			break
		}
	}
	switch {
	case p.ctx.Err() != nil:
		return Topic{}, fmt.Errorf("produce to %s: %w", name, ErrClosed)
	case ctx.Err() != nil:
		return Topic{}, fmt.Errorf("produce to %s: %w: %w", name, ctx.Err(), last)
	}
	return Topic{}, fmt.Errorf("produce to %s: %w of %v: %w", name, ErrDeliveryTimeout, p.cfg.DeliveryTimeout, last)
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
