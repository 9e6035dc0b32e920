package dlq

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker"
)

// span is a part of a partition: the offsets from from up to, not including, to.
type span struct {
	topic     string
	partition int32
	from, to  int64
}

func (s span) size() int64 { return s.to - s.from }

// byTopic groups spans that follow one another in one topic.
func byTopic(spans []span) [][]span {
	var groups [][]span
	for i := 0; i < len(spans); {
		j := i
		for j < len(spans) && spans[j].topic == spans[i].topic {
			j++
		}
		groups = append(groups, spans[i:j])
		i = j
	}
	return groups
}

// batch is what one fetch gave of a span.
type batch struct {
	records []event.Record
	// covered is the number of offsets that the fetch settled, also those
	// without a record; bytes the size of the records in memory.
	covered int64
	bytes   int
}

// scanner reads spans, one at a time. After an error it is of no more use.
type scanner struct {
	fetcher *broker.Fetcher
	fetched chan broker.Fetched
	timeout time.Duration
	ticket  int64
}

func newScanner(c *broker.Client, timeout time.Duration) *scanner {
	// Room for one: a partition is wanted when the one before it has come.
	s := &scanner{fetched: make(chan broker.Fetched, 1), timeout: timeout}
	s.fetcher = c.NewFetcher(broker.FetcherConfig{}, func(f broker.Fetched) {
		select {
		case s.fetched <- f:
		default: // late, for a span that was given up
		}
	})
	return s
}

func (s *scanner) close() { s.fetcher.Close() }

// scan gives the records of a span to each, until that returns false. It waits
// at most timeout for the next of them.
func (s *scanner) scan(ctx context.Context, sp span, each func(batch) bool) error {
	patience := time.NewTimer(s.timeout)
	defer patience.Stop()
	for at := sp.from; at < sp.to; {
		s.ticket++
		s.fetcher.Want(sp.topic, sp.partition, at, s.ticket)
		patience.Reset(s.timeout)
		f, err := s.next(ctx, patience.C)
		if err != nil {
			s.fetcher.Drop(sp.topic, sp.partition)
			return fmt.Errorf("read %s/%d@%d: %w", sp.topic, sp.partition, at, err)
		}
		next := min(max(f.Next, at), sp.to)
		b := batch{covered: next - at, bytes: f.Bytes}
		for _, r := range f.Records {
			if r.Offset >= sp.to {
				break
			}
			b.records = append(b.records, r)
		}
		at = next
		if !each(b) {
			return nil
		}
	}
	return nil
}

// next returns the delivery that is waited for.
func (s *scanner) next(ctx context.Context, patience <-chan time.Time) (broker.Fetched, error) {
	for {
		select {
		case f := <-s.fetched:
			if f.Ticket != s.ticket {
				continue
			}
			return f, f.Err
		case <-ctx.Done():
			return broker.Fetched{}, context.Cause(ctx)
		case <-patience:
			return broker.Fetched{}, fmt.Errorf("no answer from Kafka within %v", s.timeout)
		}
	}
}
