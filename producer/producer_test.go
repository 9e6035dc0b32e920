package producer_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newProducer(t testing.TB, s *troupetest.Services, change func(*producer.Config)) *producer.Producer {
	t.Helper()
	cfg := producer.Config{Registry: schema.NewMemory(), Source: "shop", AutoRegister: true, Log: slog.New(slog.DiscardHandler)}
	if s != nil {
		cfg.Kafka = s.Kafka
	}
	if change != nil {
		change(&cfg)
	}
	p, err := producer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func placed(id string) *shop.OrderPlaced {
	return &shop.OrderPlaced{OrderID: id, CustomerID: "c-1", Currency: "EUR", TotalMinor: 1999,
		Lines: []shop.OrderLine{{Sku: "mug", Quantity: 2, UnitPriceMinor: 950}}}
}

func TestPublish_SixtyFourGoroutinesGetTheirAcks(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 4)
	p := newProducer(t, s, nil)
	ctx := within(t, time.Minute)
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("o-%d-%d", g, i)
				if err := p.Publish(ctx, topic, id, placed(id)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := make(map[string]bool)
	for _, r := range s.Records(t, topic) {
		m, ref, _, err := wire.Decode(&r)
		if err != nil {
			t.Fatal(err)
		}
		if seen[m.Key] || m.Source != "shop" || m.Type != "shop.orders.OrderPlaced" || ref.ID != 1 {
			t.Fatalf("got %+v, schema %v, seen %v", m, ref, seen[m.Key])
		}
		seen[m.Key] = true
	}
	if len(seen) != 64*20 {
		t.Fatalf("%d events in the log, want %d", len(seen), 64*20)
	}
}
