package broker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/event"
)

// FetcherConfig says how a Fetcher fetches. The zero value of each field means its default.
type FetcherConfig struct {
	// MaxWait is how long a broker may hold a fetch that has nothing. Defaults to 500 ms.
	MaxWait time.Duration
	// MaxBytes bounds one answer, MaxPartitionBytes each partition's share of
	// it. Default to 8 MiB and 1 MiB. A single larger batch is returned all the same (KIP-74).
	MaxBytes, MaxPartitionBytes int
	// ReadUncommitted also returns records of open and aborted transactions. Defaults to false.
	ReadUncommitted bool
	// UnknownTopicGrace is how long a topic or partition that the cluster does
	// not know is waited for: it can be new. Defaults to 10 s.
	UnknownTopicGrace time.Duration
}

func (cfg FetcherConfig) withDefaults() FetcherConfig {
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 500 * time.Millisecond
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 8 << 20
	}
	if cfg.MaxPartitionBytes == 0 {
		cfg.MaxPartitionBytes = 1 << 20
	}
	if cfg.UnknownTopicGrace == 0 {
		cfg.UnknownTopicGrace = 10 * time.Second
	}
	return cfg
}

// Fetched is what one partition of one fetch gave.
type Fetched struct {
	Topic     string
	Partition int32
	// Ticket is the one that the Want had.
	Ticket int64
	// Records are in offset order, without control records, aborted records and
	// offsets below the one asked for. They (and the bytes they point into)
	// belong to the receiver; nothing is reused.
	Records []event.Record
	// Next is the offset to ask for next: behind the last offset that the
	// answer covered, also where it held no record (compaction, transactions).
	// It is the offset asked for when Err is set.
	Next int64
	// HighWatermark is the partition's end when the broker answered.
	HighWatermark int64
	// Bytes is the size of what the records hold in memory.
	Bytes int
	// Err is set when the partition can't be fetched and waiting doesn't cure
	// it: *OffsetOutOfRangeError, *CorruptBatchError, *UnknownTopicError, or an authorization error.
	// Everything else (leader moved, broker down, timeouts) is retried inside and logged.
	Err error
}

// OffsetOutOfRangeError says that a partition does not have the offset asked
// for: it was deleted by retention, or is not written yet.
type OffsetOutOfRangeError struct {
	Topic     string
	Partition int32
	// Offset is the one asked for.
	Offset int64
	// Start is the partition's first offset, End the one behind its last record.
	Start, End int64
}

func (e *OffsetOutOfRangeError) Error() string {
	return fmt.Sprintf("fetch %s/%d@%d: the partition has the offsets %d to %d", e.Topic, e.Partition, e.Offset, e.Start, e.End)
}

// CorruptBatchError says that the batch at an offset can't be read: its CRC is
// wrong, it can't be decompressed, or its format is older than Kafka 0.11's.
type CorruptBatchError struct {
	Topic     string
	Partition int32
	// Offset is the one asked for, from which on nothing can be read.
	Offset int64
	// Err says what is wrong: a *batch.CorruptError, or the broker's own word.
	Err error
}

func (e *CorruptBatchError) Error() string {
	return fmt.Sprintf("fetch %s/%d@%d: %v", e.Topic, e.Partition, e.Offset, e.Err)
}

func (e *CorruptBatchError) Unwrap() error { return e.Err }

// Fetcher fetches partitions on demand: a partition is fetched from the moment
// it is wanted until something of it was delivered, then not again until it is
// wanted again. This is the back-pressure: who has room asks. It holds no more
// than one answer per connection and what it has not delivered yet.
//
// It has up to three connections per broker, one request in flight on each: a
// newly wanted partition does not wait for the long poll of others. Answers
// are decoded and delivered by the connection's goroutine.
type Fetcher struct {
	client *Client
	cfg    FetcherConfig
	sink   func(Fetched)
	// name keeps its connections apart from another fetcher's.
	name    string
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	// wake tells resolve that homeless has grown.
	wake chan struct{}

	mu         sync.Mutex
	closed     bool
	partitions map[partitionName]*fetchPartition
	brokers    map[int32]*fetchBroker
	// homeless are the wants whose partition's leader is to be found.
	homeless []*want
}

type partitionName struct {
	topic string
	id    int32
}

func (n partitionName) String() string { return fmt.Sprintf("%s/%d", n.topic, n.id) }

// fetchPartition is a partition that was ever wanted. Its fields are guarded by Fetcher.mu.
type fetchPartition struct {
	partitionName
	// leader is the broker to ask, or -1 when it is to be found.
	leader int32
	// want is the latest one, nil when it was delivered or dropped.
	want *want
	// delivering is set while sink is called for this partition; until then
	// the next fetch waits.
	delivering bool
}

// want is one call of Want. An answer to a want that is not its partition's
// any more is thrown away.
type want struct {
	partition *fetchPartition
	offset    int64
	ticket    int64
	// maxBytes grows when a batch is larger.
	maxBytes int
	// since is when it was handed to its broker, or taken up again after an empty answer.
	since time.Time
	// failures counts the attempts that failed in a row; notBefore is when the next may begin.
	failures  int
	notBefore time.Time
	// refused is when it began to fail in a way that becomes an error when it lasts.
	refused time.Time
	// corrupt is set when its batch was corrupt once.
	corrupt bool
	// ready is a delivery that waits for the partition's previous one to end.
	ready *Fetched
}

var fetchers atomic.Int64

// NewFetcher returns a Fetcher that delivers to sink. sink is called from the
// fetcher's goroutines, for different partitions concurrently, for one
// partition one at a time; it must not block long. It may call Want. Close the
// Fetcher before its Client.
func (c *Client) NewFetcher(cfg FetcherConfig, sink func(Fetched)) *Fetcher {
	ctx, cancel := context.WithCancel(c.ctx)
	f := &Fetcher{
		client:     c,
		cfg:        cfg.withDefaults(),
		sink:       sink,
		name:       fmt.Sprintf("fetcher %d", fetchers.Add(1)),
		ctx:        ctx,
		cancel:     cancel,
		wake:       make(chan struct{}, 1),
		partitions: make(map[partitionName]*fetchPartition),
		brokers:    make(map[int32]*fetchBroker),
	}
	f.running.Go(f.resolve)
	return f
}

// Want asks for the records of a partition from offset on, exactly one delivery
// later. A partition that is wanted twice is fetched by the later call, unless
// that has the lower ticket: tickets grow, and what asks with an old one belongs
// to work that has ended. ticket comes back with the delivery, so that a stale
// one can be told.
func (f *Fetcher) Want(topic string, partition int32, offset, ticket int64) {
	name := partitionName{topic, partition}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return
	}
	p := f.partitions[name]
	if p == nil {
		p = &fetchPartition{partitionName: name, leader: -1}
		f.partitions[name] = p
	}
	if p.want != nil && p.want.ticket > ticket { // of work that has ended since
		f.mu.Unlock()
		return
	}
	p.want = &want{partition: p, offset: offset, ticket: ticket, maxBytes: f.cfg.MaxPartitionBytes}
	send := f.place(p.want)
	f.mu.Unlock()
	send()
}

// place hands a want to its partition's leader, or has that found. It is
// called with mu held; what it returns is to be called without.
func (f *Fetcher) place(w *want) (send func()) {
	if w.partition.leader < 0 {
		f.homeless = append(f.homeless, w)
		select {
		case f.wake <- struct{}{}:
		default:
		}
		return nothing
	}
	b := f.broker(w.partition.leader)
	w.since = time.Now()
	b.waiting = append(b.waiting, w)
	return b.pump()
}

func nothing() {}

// Drop takes a Want back. A delivery that is already under way may still come.
func (f *Fetcher) Drop(topic string, partition int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := partitionName{topic, partition}
	p := f.partitions[name]
	if p == nil {
		return
	}
	p.want = nil
	if !p.delivering {
		delete(f.partitions, name)
	}
}

// Close stops fetching, and returns when sink is not called any more. It must
// not be called by sink.
func (f *Fetcher) Close() {
	f.mu.Lock()
	f.closed = true
	brokers := slices.Collect(maps.Values(f.brokers))
	f.mu.Unlock()
	f.cancel()
	for _, b := range brokers {
		for i := range b.lanes {
			f.client.hangUp(b.node, b.lanes[i].purpose)
		}
	}
	f.running.Wait()
}

// deliver gives sink what a want came to, unless the want is stale.
func (f *Fetcher) deliver(w *want, out Fetched) {
	p := w.partition
	out.Topic, out.Partition, out.Ticket = p.topic, p.id, w.ticket
	if out.Err != nil {
		out.Next = w.offset
	}
	f.mu.Lock()
	if p.delivering && p.want == w {
		w.ready = &out
		f.mu.Unlock()
		return
	}
	if f.closed || p.want != w {
		f.mu.Unlock()
		return
	}
	f.running.Add(1)
	defer f.running.Done()
	for more := true; more; {
		p.want, p.delivering = nil, true
		f.mu.Unlock()
		f.sink(out)
		f.mu.Lock()
		p.delivering = false
		more = !f.closed && p.want != nil && p.want.ready != nil
		if more {
			out = *p.want.ready
		}
	}
	send := nothing
	if p.want != nil && p.leader >= 0 {
		send = f.broker(p.leader).pump()
	}
	f.mu.Unlock()
	send()
}
