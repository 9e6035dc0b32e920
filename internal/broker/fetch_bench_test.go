package broker_test

import (
	"context"
	"sync/atomic"
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
		b.ReportMetric(partitions*each*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("franz-go", func(b *testing.B) {
		b.ReportAllocs()
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
		b.ReportMetric(partitions*each*float64(b.N)/b.Elapsed().Seconds(), "records/s")
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
		i := int32(0)
		for b.Loop() {
			i++
			w.Produce(context.Background(), &kgo.Record{Topic: name, Partition: i % partitions, Value: []byte("x")}, nil)
			<-got
		}
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
		offsets := map[int32]kgo.Offset{}
		for p := range int32(partitions) {
			offsets[p] = kgo.NewOffset().AtEnd()
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
		time.Sleep(300 * time.Millisecond) // its offsets are looked up before the first record is written
		each(b, got)
		cancel()
		<-ended
		r.Close()
	})
}
