package consumer_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// benchRun handles b.N events of one partition and 1,000 keys, and reports how
// many a second, from the first to the last.
func benchRun(b *testing.B, handler time.Duration) (perSecond float64) {
	s := troupetest.New(b)
	topic, group := s.Topic(b, 1), s.Group(b)
	reg := schema.NewMemory()
	quiet := slog.New(slog.DiscardHandler)
	p, err := producer.New(producer.Config{Kafka: s.Kafka, Registry: reg, Source: "bench", AutoRegister: true, Log: quiet})
	must(b, err)
	defer p.Close()
	store, err := dedupe.OpenRedis(s.Redis)
	must(b, err)
	defer store.Close()
	letters, err := dlq.NewWriter(dlq.Config{Kafka: s.Kafka})
	must(b, err)
	defer letters.Close()
	for i := range b.N {
		must(b, p.PublishAsync(b.Context(), topic, fmt.Sprint("k-", i%1000), placed("o"), nil))
	}
	must(b, p.Flush(b.Context()))

	var left atomic.Int64
	left.Store(int64(b.N))
	var first time.Time
	begun, done := make(chan struct{}), make(chan struct{})
	c, err := consumer.New(consumer.Config{Kafka: s.Kafka, Registry: reg, Group: group, Dedupe: store, DeadLetters: letters, Log: quiet},
		consumer.On(topic, func(context.Context, event.Event[shop.OrderPlaced]) error {
			if handler > 0 {
				time.Sleep(handler) // the work that is measured: a call to somewhere else
			}
			n := left.Add(-1)
			if n == int64(b.N)-1 {
				first = time.Now()
				close(begun)
			}
			if n == 0 {
				close(done)
			}
			return nil
		}))
	must(b, err)
	ctx, stop := context.WithCancel(b.Context())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	<-begun
	b.ResetTimer()
	<-done
	b.StopTimer()
	took := time.Since(first)
	stop()
	must(b, <-ran)
	return float64(b.N) / took.Seconds()
}

func BenchmarkRun(b *testing.B) {
	b.Run("quick handlers", func(b *testing.B) {
		b.ReportMetric(benchRun(b, 0), "events/s")
	})
	// Order per key is kept; the ideal is one event a lane each 10 ms.
	b.Run("10 ms handlers, 256 lanes, 1 partition, 1000 keys", func(b *testing.B) {
		n := benchRun(b, 10*time.Millisecond)
		b.ReportMetric(n, "events/s")
		b.ReportMetric(n/(256/0.010), "of-ideal")
	})
}
