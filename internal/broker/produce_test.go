package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/troupetest"
)

// fates is an Ack for many records: it counts and keeps what it was told.
type fates struct {
	mu    sync.Mutex
	told  map[string]fate
	twice []string
}

type fate struct {
	partition int32
	offset    int64
	err       error
}

func newFates() *fates { return &fates{told: make(map[string]fate)} }

// of returns the Ack of one record, named by its value.
func (f *fates) of(name string) broker.Ack { return oneFate{f, name} }

type oneFate struct {
	all  *fates
	name string
}

func (o oneFate) Acked(partition int32, offset int64, err error) {
	o.all.mu.Lock()
	defer o.all.mu.Unlock()
	if _, ok := o.all.told[o.name]; ok {
		o.all.twice = append(o.all.twice, o.name)
	}
	o.all.told[o.name] = fate{partition, offset, err}
}

func (f *fates) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.told)
}

func newClient(t testing.TB, k troupe.Kafka) *broker.Client {
	t.Helper()
	c, err := broker.New(k, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func newProducer(t testing.TB, k troupe.Kafka, cfg broker.ProducerConfig) *broker.Producer {
	t.Helper()
	p := newClient(t, k).NewProducer(cfg)
	t.Cleanup(func() { p.Close(t.Context()) }) // t's context has ended: it does not wait
	return p
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func record(topic, key, value string) *event.Record {
	r := &event.Record{Topic: topic, Partition: -1, Timestamp: 1_700_000_000_000, Value: []byte(value)}
	if key != "" {
		r.Key = []byte(key)
	}
	return r
}

func TestProduce_EveryRecordIsInTheLogOnceAndInOrder(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	for _, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		t.Run(codec.String(), func(t *testing.T) {
			topic := s.Topic(t, 5)
			p := newProducer(t, s.Kafka, broker.ProducerConfig{Compression: codec, MaxBatchBytes: 4000})
			ctx := within(t, time.Minute)
			f := newFates()
			const keys, each = 20, 100
			var wg sync.WaitGroup
			for k := range keys {
				wg.Go(func() {
					for i := range each {
						key := fmt.Sprintf("k%d", k)
						value := fmt.Sprintf("%s:%d", key, i)
						if err := p.Produce(ctx, record(topic, key, value), f.of(value)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if err := p.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if n := f.count(); n != keys*each {
				t.Fatalf("%d of %d fates told", n, keys*each)
			}
			checkLog(t, s, topic, f)
		})
	}
}

// checkLog compares a topic with what was told: each acknowledged record is
// there once and at its offset, nothing that failed for certain is there, nothing
// is there twice, and the acknowledged values "key:number" of a key ascend.
func checkLog(t *testing.T, s *troupetest.Services, topic string, f *fates) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.twice {
		t.Errorf("the fate of %s was told twice", name)
	}
	logged := make(map[string]event.Record)
	last := make(map[string]int)
	for _, r := range s.Records(t, topic) {
		name := string(r.Value)
		if _, ok := logged[name]; ok {
			t.Errorf("%s is in the log twice", name)
		}
		logged[name] = r
		var i int
		key := string(r.Key)
		if _, err := fmt.Sscanf(name, key+":%d", &i); err != nil {
			t.Fatalf("value %q: %v", name, err)
		}
		if told, ok := f.told[name]; ok && told.err != nil {
			continue // given up: a late copy may come behind later records
		}
		if before, ok := last[key]; ok && i <= before {
			t.Errorf("key %s: %d comes behind %d", key, i, before)
		}
		last[key] = i
	}
	for name, told := range f.told {
		r, there := logged[name]
		switch {
		case told.err == nil && !there:
			t.Errorf("%s was acknowledged and is not in the log", name)
		case told.err == nil && (r.Partition != told.partition || told.offset >= 0 && r.Offset != told.offset):
			t.Errorf("%s was acknowledged at %d@%d and is at %d@%d", name, told.partition, told.offset, r.Partition, r.Offset)
		case told.err != nil && !isUnknown(told.err) && there:
			t.Errorf("%s is in the log, but: %v", name, told.err)
		}
	}
}

func isUnknown(err error) bool { return errors.Is(err, broker.ErrUnknownFate) }

func TestProduce_RecordsWithoutAKeySpreadOverThePartitionsInBatches(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 4)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{MaxBatchBytes: 1000})
	ctx := within(t, time.Minute)
	f := newFates()
	const n = 2000
	for i := range n {
		value := fmt.Sprintf(":%d", i)
		if err := p.Produce(ctx, record(topic, "", value), f.of(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	in := make([]int, 4)
	changes, last := 0, int32(-1)
	for i := range n {
		told := f.told[fmt.Sprintf(":%d", i)]
		in[told.partition]++
		if told.partition != last {
			changes, last = changes+1, told.partition
		}
	}
	if slices.Min(in) == 0 || changes > n/2 {
		t.Errorf("%v records in the partitions, %d changes from one to another", in, changes)
	}
}

func TestProduce_TakesThePartitionThatItIsTold(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 3)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{})
	f := newFates()
	r := record(topic, "order-1", "order-1:0")
	for r.Partition = range int32(3) {
		name := fmt.Sprint(r.Partition)
		if err := p.Produce(t.Context(), r, f.of(name)); err != nil {
			t.Fatal(err)
		}
	}
	r.Partition = 3
	if err := p.Produce(t.Context(), r, f.of("3")); err == nil {
		t.Error("a partition that does not exist was taken")
	}
	if err := p.Flush(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	for name, told := range f.told {
		if fmt.Sprint(told.partition) != name || told.err != nil || told.offset != 0 {
			t.Errorf("%s is at %+v", name, told)
		}
	}
}
