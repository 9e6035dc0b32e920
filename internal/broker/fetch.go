package broker

import (
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

// Fetcher fetches partitions on demand: a partition is fetched from the moment
// it is wanted until something of it was delivered, then not again until it is
// wanted again. This is the back-pressure: who has room asks. One goroutine and
// connection per broker (a second connection when a newly wanted partition would
// otherwise wait for a long poll of others).
type Fetcher struct{}

// NewFetcher returns a Fetcher that delivers to sink. sink is called from the
// fetcher's goroutines, for different partitions concurrently, for one
// partition one at a time; it must not block long. It may call Want.
func (c *Client) NewFetcher(cfg FetcherConfig, sink func(Fetched)) *Fetcher { panic("not built yet") }

// Want asks for the records of a partition from offset on, exactly one delivery
// later. A partition that is wanted twice is fetched by the later call; ticket
// comes back with the delivery, so that a stale one can be told.
func (f *Fetcher) Want(topic string, partition int32, offset, ticket int64) { panic("not built yet") }

// Drop takes a Want back. A delivery that is already under way may still come.
func (f *Fetcher) Drop(topic string, partition int32) { panic("not built yet") }

// Close stops fetching, and returns when sink is not called any more.
func (f *Fetcher) Close() { panic("not built yet") }
