package broker_test

import (
	"context"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/troupe-go/troupe/internal/broker"
)

// fill writes n records of 100 bytes to each partition.
func fill(b *testing.B, k cluster, topic string, partitions int32, n int) {
	b.Helper()
	w := k.writer(b, kgo.ProducerLinger(5*time.Millisecond), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(100_000))
	value := make([]byte, 100)
	var failed atomic.Pointer[error]
	for p := range partitions {
		for range n {
			w.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: p, Value: value}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed.Store(&err)
				}
			})
		}
	}
	if err := w.Flush(context.Background()); err != nil || failed.Load() != nil {
		b.Fatal(err, failed.Load())
	}
}

// cpuTime is what this process has used: with a real Kafka, it tells more than
// the clock on a machine that others use as well.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFetch reads 400,000 records of 100 bytes from 4 partitions an
// iteration; franz-go's client is the measure.
func BenchmarkFetch(b *testing.B) {
	const partitions, each = 4, 100_000
	k := start(b)
	c := k.client(b)
	name := topic(b, c, partitions)
	fill(b, k, name, partitions, each)
	b.Run("troupe", func(b *testing.B) {
		b.ReportAllocs()
		cpu := cpuTime(b)
		for b.Loop() {
			var left atomic.Int64
			left.Store(partitions * each)
			done := make(chan struct{})
			var f *broker.Fetcher
			f = c.NewFetcher(broker.FetcherConfig{}, func(got broker.Fetched) {
				f.Want(got.Topic, got.Partition, got.Next, 0)
				if left.Add(-int64(len(got.Records))) == 0 {
					close(done)
				}
			})
			for p := range int32(partitions) {
				f.Want(name, p, 0, 0)
			}
			<-done
			f.Close()
		}
		records := partitions * each * float64(b.N)
		b.ReportMetric(records/b.Elapsed().Seconds(), "records/s")
		b.ReportMetric(float64(cpuTime(b)-cpu)/records, "cpu-ns/record")
	})
	b.Run("franz-go", func(b *testing.B) {
		b.ReportAllocs()
		cpu := cpuTime(b)
		for b.Loop() {
			offsets := map[int32]kgo.Offset{}
			for p := range int32(partitions) {
				offsets[p] = kgo.NewOffset().At(0)
			}
			r, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name: offsets}))
			if err != nil {
				b.Fatal(err)
			}
			for left := partitions * each; left > 0; {
				left -= r.PollFetches(context.Background()).NumRecords()
			}
			r.Close()
		}
		records := partitions * each * float64(b.N)
		b.ReportMetric(records/b.Elapsed().Seconds(), "records/s")
		b.ReportMetric(float64(cpuTime(b)-cpu)/records, "cpu-ns/record")
	})
}

// BenchmarkProduceToDelivery is the time from writing one record (with
// franz-go, both times) to having it; 8 partitions are waited for.
func BenchmarkProduceToDelivery(b *testing.B) {
	const partitions = 8
	k := start(b)
	c := k.client(b)
	name := topic(b, c, partitions)
	w := k.writer(b)
	each := func(b *testing.B, got <-chan struct{}) {
		var took []time.Duration
		for b.Loop() {
			begun := time.Now()
			w.Produce(context.Background(), &kgo.Record{Topic: name, Partition: int32(len(took) % partitions), Value: []byte("x")}, nil)
			<-got
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	}
	b.Run("troupe", func(b *testing.B) {
		got := make(chan struct{}, 16)
		var f *broker.Fetcher
		f = c.NewFetcher(broker.FetcherConfig{}, func(d broker.Fetched) {
			for range d.Records {
				got <- struct{}{}
			}
			f.Want(d.Topic, d.Partition, d.Next, 0)
		})
		defer f.Close()
		ends, err := c.EndOffsets(context.Background(), name)
		if err != nil {
			b.Fatal(err)
		}
		for p, end := range ends {
			f.Want(name, int32(p), end, 0)
		}
		each(b, got)
	})
	b.Run("franz-go", func(b *testing.B) {
		got := make(chan struct{}, 16)
		ends, err := c.EndOffsets(context.Background(), name)
		if err != nil {
			b.Fatal(err)
		}
		offsets := map[int32]kgo.Offset{}
		for p := range int32(partitions) {
			offsets[p] = kgo.NewOffset().At(ends[p])
		}
		r, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name: offsets}))
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for ctx.Err() == nil {
				for range r.PollFetches(ctx).NumRecords() {
					got <- struct{}{}
				}
			}
		}()
		each(b, got)
		cancel()
		<-ended
		r.Close()
	})
}
