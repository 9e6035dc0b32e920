package broker

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	metadataapi "github.com/segmentio/kafka-go/protocol/metadata"
)

const (
	// topicTTL is how long a topic's metadata is believed; from half of it on,
	// it is refreshed in the background while it is still used.
	topicTTL = 5 * time.Second
	// topicPause is the shortest time between two looks at one topic, however
	// often it is invalidated.
	topicPause = 50 * time.Millisecond
	// hedgeAfter is how long the first broker asked may be silent.
	hedgeAfter = time.Second
)

// Topic is a topic as the cluster's metadata has it.
type Topic struct {
	Name string
	// Leaders has the node id of each partition's leader, by partition; -1 when
	// there is none now. It is shared: don't write to it.
	Leaders []int32
}

// UnknownTopicError says that a topic does not exist.
type UnknownTopicError struct{ Topic string }

func (e *UnknownTopicError) Error() string { return "topic " + e.Topic + " does not exist" }

// Is makes the error match kafka.UnknownTopicOrPartition.
func (e *UnknownTopicError) Is(target error) bool { return target == kafka.UnknownTopicOrPartition }

// metadata is what is known of the cluster.
type metadata struct {
	mu      sync.Mutex
	brokers map[int32]string
	topics  map[string]*topicEntry
	// next collects what is asked for while a look is under way (asking): it
	// goes into one request.
	next   *look
	asking bool
}

type topicEntry struct {
	topic   Topic
	seen    time.Time
	invalid bool
}

// look is one Metadata request, shared by all who wait for its topics.
type look struct {
	names map[string]struct{}
	done  chan struct{}
	// Set before done is closed:
	err  error
	errs map[string]error
}

func (m *metadata) init() {
	m.brokers = make(map[int32]string)
	m.topics = make(map[string]*topicEntry)
}

func (m *metadata) address(node int32) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.brokers[node]
	return a, ok
}

func (m *metadata) addresses() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	addrs := make([]string, 0, len(m.brokers))
	for _, a := range m.brokers {
		addrs = append(addrs, a)
	}
	slices.Sort(addrs)
	return addrs
}

// learn adds a broker that another answer than Metadata's has named.
func (m *metadata) learn(node int32, host string, port int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.brokers[node] = net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// Topic returns a topic's metadata, cached for at most 5 s (and dropped when a
// leader turns out to have moved). The error is *UnknownTopicError when the
// cluster answers that there is no such topic, and wraps a kafka.Error for its
// other refusals; an unreachable cluster is an error after the dial timeout.
func (c *Client) Topic(ctx context.Context, name string) (Topic, error) {
	m := &c.metadata
	m.mu.Lock()
	e := m.topics[name]
	if e != nil && !e.invalid {
		switch age := time.Since(e.seen); {
		case age < topicTTL/2:
			t := e.topic
			m.mu.Unlock()
			return t, nil
		case age < topicTTL:
			t := e.topic
			c.want(name)
			m.mu.Unlock()
			return t, nil
		}
	}
	l := c.want(name)
	m.mu.Unlock()

	select {
	case <-l.done:
	case <-ctx.Done():
		return Topic{}, fmt.Errorf("metadata of topic %s: %w", name, ctx.Err())
	}
	if l.err != nil {
		return Topic{}, fmt.Errorf("metadata of topic %s: %w", name, l.err)
	}
	if err := l.errs[name]; err != nil {
		return Topic{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.topics[name]; e != nil {
		return e.topic, nil
	}
	return Topic{}, &UnknownTopicError{name}
}

// invalidate makes the next Topic ask the cluster anew: a leader has moved, or
// the topic was created, deleted or extended.
func (c *Client) invalidate(name string) {
	c.metadata.mu.Lock()
	defer c.metadata.mu.Unlock()
	if e := c.metadata.topics[name]; e != nil {
		e.invalid = true
	}
}

// want puts a name into the next look and sees to it that it comes. It is
// called with metadata.mu held.
func (c *Client) want(name string) *look {
	m := &c.metadata
	if m.next == nil {
		m.next = &look{names: make(map[string]struct{}), done: make(chan struct{})}
	}
	l := m.next
	l.names[name] = struct{}{}
	if !m.asking {
		m.asking = c.start(c.look)
		if !m.asking {
			m.next, l.err = nil, ErrClosed
			close(l.done)
		}
	}
	return l
}

// look asks for what is wanted until nothing is.
func (c *Client) look() {
	m := &c.metadata
	for {
		m.mu.Lock()
		l := m.next
		if l == nil {
			m.asking = false
			m.mu.Unlock()
			return
		}
		if pause := m.pause(l); pause > 0 && c.ctx.Err() == nil {
			m.mu.Unlock()
			select {
			case <-time.After(pause):
			case <-c.ctx.Done():
			}
			continue
		}
		m.next = nil
		m.mu.Unlock()
		l.errs, l.err = c.ask(c.ctx, slices.Sorted(maps.Keys(l.names)))
		close(l.done)
	}
}

// pause is how long a look has to wait because one of its topics was looked at
// a moment ago. It is called with mu held.
func (m *metadata) pause(l *look) time.Duration {
	var pause time.Duration
	for name := range l.names {
		if e := m.topics[name]; e != nil && e.invalid {
			pause = max(pause, topicPause-time.Since(e.seen))
		}
	}
	return pause
}

// ask sends one Metadata request to any broker and keeps the answer. errs are
// the refusals of single topics. No topics: the brokers only.
func (c *Client) ask(ctx context.Context, topics []string) (errs map[string]error, err error) {
	if topics == nil {
		topics = []string{} // a null list would mean all topics
	}
	res, err := c.hedged(ctx, &metadataapi.Request{TopicNames: topics})
	if err != nil {
		return nil, err
	}
	return c.metadata.keep(res, topics), nil
}

// hedged asks one broker and, when that one is silent for a while, whichever
// answers a new connection first: a hanging broker doesn't stop the finding of
// its successor.
func (c *Client) hedged(ctx context.Context, req *metadataapi.Request) (*metadataapi.Response, error) {
	const first, second = "metadata", "metadata, hedge"
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		purpose string
		res     *metadataapi.Response
		err     error
	}
	results := make(chan result, 2)
	try := func(purpose string) {
		msg, err := c.Call(ctx, AnyBroker, purpose, -1, req)
		res, _ := msg.(*metadataapi.Response)
		results <- result{purpose, res, err}
	}
	c.running.Go(func() { try(first) })
	hedge := time.NewTimer(hedgeAfter)
	defer hedge.Stop()
	for left := 1; ; {
		select {
		case r := <-results:
			if left--; r.err != nil && left > 0 {
				continue
			}
			if r.purpose == second && r.err == nil {
				c.hangUp(AnyBroker, first) // so that the next one is asked of another broker
			}
			return r.res, r.err
		case <-hedge.C:
			left++
			c.hangUp(AnyBroker, second)
			c.running.Go(func() { try(second) })
		}
	}
}

// keep takes an answer over and returns the refusals of the topics asked for.
func (m *metadata) keep(res *metadataapi.Response, asked []string) map[string]error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(res.Brokers) > 0 {
		clear(m.brokers)
	}
	for _, b := range res.Brokers {
		m.brokers[b.NodeID] = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
	}
	errs := make(map[string]error)
	for _, name := range asked {
		delete(m.topics, name)
		errs[name] = &UnknownTopicError{name}
	}
	now := time.Now()
	for i := range res.Topics {
		t := &res.Topics[i]
		switch code := kafka.Error(t.ErrorCode); {
		case code == 0:
			delete(errs, t.Name)
			m.topics[t.Name] = &topicEntry{topic: topicOf(t), seen: now}
		case code != kafka.UnknownTopicOrPartition:
			errs[t.Name] = fmt.Errorf("metadata of topic %s: %w", t.Name, code)
		}
	}
	return errs
}

func topicOf(t *metadataapi.ResponseTopic) Topic {
	topic := Topic{Name: t.Name, Leaders: make([]int32, len(t.Partitions))}
	for i := range topic.Leaders {
		topic.Leaders[i] = -1
	}
	for _, p := range t.Partitions {
		if p.PartitionIndex >= 0 && int(p.PartitionIndex) < len(topic.Leaders) {
			topic.Leaders[p.PartitionIndex] = p.LeaderID
		}
	}
	return topic
}
