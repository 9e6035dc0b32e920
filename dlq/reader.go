package dlq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker"
)

// ErrNotFound is returned by Get when there is no letter of that id.
var ErrNotFound = errors.New("no such letter")

// IncompleteError says that not all letters were read: what was listed before
// it is true but may not be everything, and a letter may have failed again since.
type IncompleteError struct {
	// Scanned of Total records of the letter topics were read.
	Scanned, Total int64
	Err            error
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("incomplete: %d of %d records were read: %v", e.Scanned, e.Total, e.Err)
}

// Unwrap returns the reason.
func (e *IncompleteError) Unwrap() error { return e.Err }

// ReaderConfig says where the letters are. The zero value of each field but Kafka means its default.
type ReaderConfig struct {
	Kafka troupe.Kafka
	// Timeout bounds the wait for the cluster: for one question, or for the
	// next records while reading. Defaults to 10 s.
	Timeout time.Duration
	// Log is told of what is retried. Defaults to slog.Default().
	Log *slog.Logger
}

// Reader reads dead letters. It joins no group, commits nothing and is safe for
// concurrent use.
type Reader struct {
	client  *broker.Client
	timeout time.Duration
}

// NewReader checks cfg. It dials nothing.
func NewReader(cfg ReaderConfig) (*Reader, error) {
	if cfg.Timeout < 0 {
		return nil, errors.New("dead letters: Timeout is negative")
	}
	client, err := broker.New(cfg.Kafka, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	r := &Reader{client: client, timeout: cfg.Timeout}
	if r.timeout == 0 {
		r.timeout = 10 * time.Second
	}
	return r, nil
}

// Close closes the connections. Listings must be finished.
func (r *Reader) Close() error { return r.client.Close() }

// Groups returns the consumer groups that have a letter topic, sorted.
func (r *Reader) Groups(ctx context.Context) ([]string, error) {
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	topics, err := r.client.Topics(ctx)
	if err != nil {
		return nil, timedOut(ctx, err)
	}
	var groups []string
	for _, t := range topics {
		if g, ok := groupOf(t); ok {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// Query selects letters. The zero value of each field selects all.
type Query struct {
	Group, Handler, Class, Fingerprint string
	// Topic is the one that the event was read from.
	Topic string
	// ID selects one letter.
	ID string
	// Since and Until bound the time of the last failure: Since <= FailedAt < Until.
	Since, Until time.Time
}

func (q *Query) matches(l *Letter) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(q.ID, l.ID) && same(q.Topic, l.Source.Topic) && same(q.Handler, l.Handler) && same(q.Class, l.Class) &&
		same(q.Fingerprint, l.Fingerprint) &&
		(q.Since.IsZero() || !l.FailedAt.Before(q.Since)) && (q.Until.IsZero() || l.FailedAt.Before(q.Until))
}

// Get returns a letter as it was written last. An empty group means any. The
// error wraps ErrNotFound when all was read and it is not there.
func (r *Reader) Get(ctx context.Context, group, id string) (Letter, error) {
	for l, err := range r.List(ctx, Query{Group: group, ID: id}).All() {
		return l, err
	}
	return Letter{}, fmt.Errorf("letter %s: %w", id, ErrNotFound)
}

// List selects letters. Nothing is read before All.
func (r *Reader) List(ctx context.Context, q Query) *Listing {
	return &Listing{reader: r, ctx: ctx, query: q}
}

// Listing is a selection of letters. It is for one goroutine.
type Listing struct {
	reader  *Reader
	ctx     context.Context
	query   Query
	scanned int64
	total   int64
}

// Scanned returns how many offsets of how many All has covered. They are equal
// when it has read everything.
func (l *Listing) Scanned() (n, of int64) { return l.scanned, l.total }

// All reads the letter topics from their beginning to the ends that they have
// at the time of the call. A letter that was written several times is given
// once, as it was written last. The order is that of the topics' names, their
// partitions, and the offsets there.
//
// Either everything is read, or the last pair has an error: an
// *IncompleteError, or what kept it from starting (it wraps ErrNoTopic when the
// query names a group without a letter topic).
//
// Memory: some 100 bytes per letter of one topic, and at most some 20 MB of records. A
// topic that is larger is read twice.
func (l *Listing) All() iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		spans, err := l.reader.spans(l.ctx, l.query.Group)
		if err != nil {
			yield(Letter{}, err)
			return
		}
		l.scanned, l.total = 0, 0
		for _, s := range spans {
			l.total += s.size()
		}
		s := newScanner(l.reader.client, l.reader.timeout)
		defer s.close()
		for _, part := range byTopic(spans) {
			more, err := l.topic(s, part, yield)
			if err != nil {
				yield(Letter{}, &IncompleteError{l.scanned, l.total, err})
				return
			}
			if !more {
				return
			}
		}
	}
}

// keepBytes is the size up to which a topic's records are kept instead of read again.
const keepBytes = 16 << 20

// topic yields the selected letters of one topic: first it finds where each
// letter was written last, then it gives those.
func (l *Listing) topic(s *scanner, spans []span, yield func(Letter, error) bool) (more bool, err error) {
	last := make(map[string]written)
	var kept []event.Record
	size, keep := 0, true
	for _, sp := range spans {
		err := s.scan(l.ctx, sp, func(b batch) bool {
			l.scanned += b.covered
			for i := range b.records {
				note(last, &b.records[i])
			}
			if size += b.bytes; size > keepBytes {
				keep, kept = false, nil
			}
			if keep {
				kept = append(kept, b.records...)
			}
			return true
		})
		if err != nil {
			return false, err
		}
	}

	more = true
	give := func(records []event.Record) bool {
		for i := range records {
			letter := Parse(records[i])
			if w, ok := last[letter.ID]; ok {
				if w.partition != records[i].Partition || w.offset != records[i].Offset {
					continue
				}
				letter.Failures = w.times
			}
			if l.query.matches(&letter) {
				if more = yield(letter, nil); !more {
					return false
				}
			}
		}
		return true
	}
	if keep {
		give(kept)
		return more, nil
	}
	for _, sp := range spans {
		if err := s.scan(l.ctx, sp, func(b batch) bool { return give(b.records) }); err != nil || !more {
			return more, err
		}
	}
	return more, nil
}

// written is where a letter was written last, and how often in all.
type written struct {
	partition int32
	offset    int64
	timestamp int64
	times     int
}

// note keeps r's place if it is a letter's last. A letter stays in its
// partition unless partitions are added to the topic; then the time decides.
func note(last map[string]written, r *event.Record) {
	h := readHeaders(r.Headers)
	if h.id == "" || !h.placed {
		return // foreign: each record is a letter
	}
	w := last[h.id]
	w.times++
	if w.times == 1 || w.partition == r.Partition || w.timestamp <= r.Timestamp {
		w.partition, w.offset, w.timestamp = r.Partition, r.Offset, r.Timestamp
	}
	last[h.id] = w
}

// spans returns what there is to read: of one group, or of all.
func (r *Reader) spans(ctx context.Context, group string) ([]span, error) {
	groups := []string{group}
	if group == "" {
		var err error
		if groups, err = r.Groups(ctx); err != nil {
			return nil, fmt.Errorf("find the letter topics: %w", err)
		}
	}
	ctx, cancel := r.bounded(ctx)
	defer cancel()
	var all []span
	for _, g := range groups {
		spans, err := r.ends(ctx, Topic(g))
		var unknown *broker.UnknownTopicError
		switch {
		case errors.As(err, &unknown) && group == "": // deleted since it was listed
		case errors.As(err, &unknown):
			return nil, fmt.Errorf("read the letters of group %s: %w", group, &noTopicError{"topic " + Topic(group) + " does not exist"})
		case err != nil:
			return nil, fmt.Errorf("read the letters of group %s: %w", g, timedOut(ctx, err))
		}
		all = append(all, spans...)
	}
	return all, nil
}

func (r *Reader) ends(ctx context.Context, topic string) ([]span, error) {
	starts, err := r.client.StartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := r.client.EndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	var spans []span
	for p := range min(len(starts), len(ends)) {
		spans = append(spans, span{topic, int32(p), starts[p], max(starts[p], ends[p])})
	}
	return spans, nil
}

// bounded is for one question to the cluster.
func (r *Reader) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("no answer from Kafka within %v", r.timeout))
}

// timedOut adds why ctx ended to what came of it.
func timedOut(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
