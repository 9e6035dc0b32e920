package producer_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

// The embedded broker takes most of the time here; with TROUPE_BROKERS a real
// one runs beside. Allocations count the whole process: with the embedded
// broker they are mostly its own.

func BenchmarkPublishAsync(b *testing.B) {
	for _, goroutines := range []int{1, 4} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			s := troupetest.New(b)
			topic := s.Topic(b, 8)
			p := newProducer(b, s, nil)
			var failed atomic.Int64
			done := func(_ event.Meta, err error) {
				if err != nil {
					failed.Add(1)
				}
			}
			run(b, goroutines, func(ctx context.Context, key string) error {
				return p.PublishAsync(ctx, topic, key, placed(key), done)
			})
			if err := p.Flush(b.Context()); err != nil || failed.Load() > 0 {
				b.Fatal(err, failed.Load())
			}
		})
	}
}

func BenchmarkPublish64(b *testing.B) {
	s := troupetest.New(b)
	topic := s.Topic(b, 8)
	p := newProducer(b, s, nil)
	run(b, 64, func(ctx context.Context, key string) error { return p.Publish(ctx, topic, key, placed(key)) })
}

func BenchmarkPublish1(b *testing.B) {
	s := troupetest.New(b)
	topic := s.Topic(b, 8)
	p := newProducer(b, s, nil)
	run(b, 1, func(ctx context.Context, key string) error { return p.Publish(ctx, topic, key, placed(key)) })
}

func run(b *testing.B, goroutines int, publish func(ctx context.Context, key string) error) {
	keys := make([]string, 1024)
	for i := range keys {
		keys[i] = fmt.Sprintf("order-%d", i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				if err := publish(b.Context(), keys[i%len(keys)]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
