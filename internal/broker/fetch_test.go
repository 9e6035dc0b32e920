package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
)

// cluster is the Kafka that a test runs against.
type cluster struct {
	troupe.Kafka
	// fake is nil on a real Kafka.
	fake *kfake.Cluster
}

// start gives a test the Kafka of TROUPE_BROKERS, or an embedded one of three brokers.
func start(t testing.TB, opts ...kfake.Opt) cluster {
	t.Helper()
	if b := os.Getenv("TROUPE_BROKERS"); b != "" && len(opts) == 0 {
		return cluster{Kafka: troupe.Kafka{Brokers: strings.Split(b, ",")}}
	}
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SleepOutOfOrder()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	return cluster{Kafka: troupe.Kafka{Brokers: fake.ListenAddrs()}, fake: fake}
}

// fakeOnly starts an embedded cluster also when a real one is there: the test
// needs what only that can do.
func fakeOnly(t testing.TB) cluster {
	t.Helper()
	return start(t, kfake.NumBrokers(3))
}

func (k cluster) client(t testing.TB) *broker.Client {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	c, err := broker.New(k.Kafka, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func timeout(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var topics atomic.Int64

// topic creates a topic of its own.
func topic(t testing.TB, c *broker.Client, partitions int) string {
	t.Helper()
	name := fmt.Sprintf("broker-test-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), topics.Add(1))
	if err := c.CreateTopics(timeout(t), broker.NewTopic{Name: name, Partitions: partitions, Replicas: 1}); err != nil {
		t.Fatal(err)
	}
	return name
}

// writer is franz-go's client, which writes what the tests read.
func (k cluster) writer(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	w, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func write(t testing.TB, w *kgo.Client, topic string, partition int32, values ...string) {
	t.Helper()
	for _, v := range values {
		r := &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)}
		if err := w.ProduceSync(timeout(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// reader wants partitions again and again, and keeps what it gets.
type reader struct {
	t       testing.TB
	fetcher *broker.Fetcher
	mu      sync.Mutex
	got     map[int32][]string
	failed  map[int32]error
	changed chan struct{}
	// overlaps counts the calls of sink for a partition that had another one running.
	overlaps atomic.Int32
	inSink   sync.Map
}

func read(t testing.TB, c *broker.Client, cfg broker.FetcherConfig, topic string, from int64, partitions ...int32) *reader {
	r := &reader{t: t, got: map[int32][]string{}, failed: map[int32]error{}, changed: make(chan struct{}, 1)}
	r.fetcher = c.NewFetcher(cfg, r.sink)
	t.Cleanup(func() {
		r.fetcher.Close()
		if n := r.overlaps.Load(); n > 0 {
			t.Errorf("%d deliveries while the partition's previous one was going on", n)
		}
	})
	for _, p := range partitions {
		r.fetcher.Want(topic, p, from, from)
	}
	return r
}

func (r *reader) sink(f broker.Fetched) {
	if _, busy := r.inSink.LoadOrStore(f.Partition, true); busy {
		r.overlaps.Add(1)
	}
	defer r.inSink.Delete(f.Partition)
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.Err != nil {
		r.failed[f.Partition] = f.Err
	} else {
		for _, rec := range f.Records {
			r.got[f.Partition] = append(r.got[f.Partition], string(rec.Value))
		}
		r.fetcher.Want(f.Topic, f.Partition, f.Next, f.Next)
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// await waits until the reader has so many records of a partition.
func (r *reader) await(partition int32, n int) []string {
	r.t.Helper()
	deadline := time.After(time.Minute)
	for {
		r.mu.Lock()
		got, err := r.got[partition], r.failed[partition]
		r.mu.Unlock()
		if err != nil {
			r.t.Fatalf("partition %d: %v", partition, err)
		}
		if len(got) >= n {
			return got
		}
		select {
		case <-r.changed:
		case <-deadline:
			r.t.Fatalf("partition %d: %d of %d records", partition, len(got), n)
		}
	}
}

// awaitErr waits until a partition fails.
func (r *reader) awaitErr(partition int32) error {
	r.t.Helper()
	deadline := time.After(time.Minute)
	for {
		r.mu.Lock()
		err := r.failed[partition]
		r.mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case <-r.changed:
		case <-deadline:
			r.t.Fatalf("partition %d: no error", partition)
		}
	}
}

func TestFetcher_DeliversEachPartitionInOrder(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	name := topic(t, c, 6)
	w := k.writer(t)
	r := read(t, c, broker.FetcherConfig{}, name, 0, 0, 1, 2, 3, 4, 5)
	for i := range 50 {
		for p := range int32(6) {
			write(t, w, name, p, fmt.Sprint(i))
		}
	}
	for p := range int32(6) {
		for i, v := range r.await(p, 50) {
			if v != fmt.Sprint(i) {
				t.Fatalf("partition %d has %q at %d", p, v, i)
			}
		}
	}
}

func TestFetcher_DeliversNothingUnlessWanted(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	name := topic(t, c, 2)
	w := k.writer(t)
	write(t, w, name, 0, "a", "b")
	write(t, w, name, 1, "a")
	delivered := make(chan broker.Fetched, 10)
	f := c.NewFetcher(broker.FetcherConfig{MaxWait: 50 * time.Millisecond}, func(f broker.Fetched) { delivered <- f })
	defer f.Close()
	f.Want(name, 0, 1, 5)
	got := <-delivered
	if got.Err != nil || got.Ticket != 5 || len(got.Records) != 1 || got.Records[0].Offset != 1 || got.Next != 2 || got.HighWatermark != 2 || got.Bytes == 0 {
		t.Fatalf("got %+v", got)
	}
	write(t, w, name, 0, "c")
	f.Want(name, 1, 1, 6) // nothing there yet
	f.Want(name, 1, 0, 7) // the later call counts
	if got = <-delivered; got.Partition != 1 || got.Ticket != 7 || len(got.Records) != 1 {
		t.Fatalf("got %+v", got)
	}
	f.Want(name, 1, 1, 8)
	f.Drop(name, 1)
	write(t, w, name, 1, "b")
	f.Want(name, 0, 2, 9)
	if got = <-delivered; got.Partition != 0 || got.Ticket != 9 {
		t.Fatalf("got %+v", got)
	}
	f.Close()
	if len(delivered) > 0 {
		t.Fatalf("delivered, though not wanted: %+v", <-delivered)
	}
}

func TestFetcher_TellsWhichOffsetsThereAre(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	name := topic(t, c, 1)
	write(t, k.writer(t), name, 0, "a", "b", "c")
	r := read(t, c, broker.FetcherConfig{}, name, 9, 0)
	var out *broker.OffsetOutOfRangeError
	if err := r.awaitErr(0); !errors.As(err, &out) || *out != (broker.OffsetOutOfRangeError{Topic: name, Offset: 9, End: 3}) {
		t.Fatalf("got %v", err)
	}
}

func TestFetcher_GivesUpOnATopicThatDoesNotExistAfterTheGrace(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	r := read(t, c, broker.FetcherConfig{UnknownTopicGrace: 200 * time.Millisecond}, "broker-test-missing", 0, 0)
	var unknown *broker.UnknownTopicError
	if err := r.awaitErr(0); !errors.As(err, &unknown) {
		t.Fatalf("got %v", err)
	}
}

func TestFetcher_WaitsForATopicThatIsNew(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	name := fmt.Sprintf("broker-test-late-%d", time.Now().UnixNano())
	r := read(t, c, broker.FetcherConfig{}, name, 0, 0)
	if err := c.CreateTopics(timeout(t), broker.NewTopic{Name: name, Partitions: 1, Replicas: 1}); err != nil {
		t.Fatal(err)
	}
	write(t, k.writer(t), name, 0, "a")
	r.await(0, 1)
}

func TestFetcher_FollowsALeaderThatMoves(t *testing.T) {
	t.Parallel()
	k := fakeOnly(t)
	c := k.client(t)
	name := topic(t, c, 1)
	w := k.writer(t)
	r := read(t, c, broker.FetcherConfig{}, name, 0, 0)
	for i := range 6 {
		if err := k.fake.MoveTopicPartition(name, 0, int32(i%3)); err != nil {
			t.Fatal(err)
		}
		write(t, w, name, 0, fmt.Sprint(i))
		if got := r.await(0, i+1); got[i] != fmt.Sprint(i) {
			t.Fatalf("got %q at %d", got[i], i)
		}
	}
}
