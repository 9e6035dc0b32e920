package troupetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/troupe-go/troupe/event"
)

// callTimeout bounds each call to Kafka that a helper makes.
const callTimeout = 30 * time.Second

// Name returns a name that no other test uses, today or later, on any cluster:
// tb's own name with a random end, of letters, digits and dashes.
func Name(tb testing.TB) string {
	var b strings.Builder
	for _, r := range tb.Name() {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	name := b.String()
	var end [5]byte
	rand.Read(end[:]) // never fails
	return fmt.Sprintf("%.80s-%s", name, hex.EncodeToString(end[:]))
}

// Topic creates a topic with a name of its own and returns the name. On a real
// Kafka the topic is deleted when tb ends.
func (s *Services) Topic(tb testing.TB, partitions int) string {
	tb.Helper()
	name := Name(tb)
	s.TopicNamed(tb, name, partitions, nil)
	return name
}

// TopicNamed creates a topic of that name, with that configuration. Its records
// do not expire unless the configuration says so: with Kafka's default
// retention, a record of a date long ago may be gone before the test reads
// it. On a real Kafka the topic is deleted when tb ends.
func (s *Services) TopicNamed(tb testing.TB, name string, partitions int, config map[string]string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	lasting := map[string]string{"retention.ms": "-1"}
	maps.Copy(lasting, config)
	if err := s.CreateTopic(ctx, name, partitions, lasting); err != nil {
		tb.Fatal(err)
	}
	if s.broker != nil {
		return
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		if err := s.DeleteTopic(ctx, name); err != nil {
			tb.Log(err)
		}
	})
}

// Group returns the name of a consumer group that nobody has used. On a real
// Kafka its letter, replay and ledger topics, if it comes to have any, are
// deleted when tb ends.
func (s *Services) Group(tb testing.TB) string {
	group := Name(tb)
	if s.broker == nil {
		tb.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
			defer cancel()
			for _, prefix := range []string{"dlq.", "replay.", "ledger."} {
				if err := s.DeleteTopic(ctx, prefix+group); err != nil {
					tb.Log(err)
				}
			}
		})
	}
	return group
}

// Produce writes records as they are - topic, partition, key, value, headers,
// and the timestamp unless it is zero - and returns them with the
// offsets that they got. Nothing is encoded or added, so that a test can write
// what no producer would.
func (s *Services) Produce(tb testing.TB, records ...event.Record) []event.Record {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	cl, err := s.client()
	if err != nil {
		tb.Fatal(err)
	}
	batch := make([]*kgo.Record, len(records))
	for i, r := range records {
		k := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
		if r.Timestamp != 0 {
			k.Timestamp = time.UnixMilli(r.Timestamp)
		}
		for _, h := range r.Headers {
			k.Headers = append(k.Headers, kgo.RecordHeader(h))
		}
		batch[i] = k
	}
	written := make([]event.Record, len(records))
	for i, r := range cl.ProduceSync(ctx, batch...) {
		if r.Err != nil {
			tb.Fatalf("produce record %d to %s/%d: %v", i, r.Record.Topic, r.Record.Partition, r.Err)
		}
	}
	for i, r := range batch {
		written[i] = fromKgo(r)
	}
	return written
}

// Records reads a topic from its beginning to the end that it has at the
// time of the call, byte for byte: partition by partition, in offset order, without what
// transactions aborted.
func (s *Services) Records(tb testing.TB, topic string) []event.Record {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	cl, err := s.client()
	if err != nil {
		tb.Fatal(err)
	}
	all, err := records(ctx, s.Kafka, cl, topic)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// Letters reads the dead letters of a group (the topic dlq.<group>), as they
// lie there. A group without that topic has none.
func (s *Services) Letters(tb testing.TB, group string) []event.Record {
	tb.Helper()
	if !s.exists(tb, "dlq."+group) {
		return nil
	}
	return s.Records(tb, "dlq."+group)
}
