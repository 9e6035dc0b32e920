package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
)

var perSecond = []figure{{"events/s", false}, {"client CPU, ns", true}, {"Redis CPU, ns", true}}

var (
	publishAsync = work{name: "publish-async", figures: perSecond[:2],
		ours: troupePublishAsync, byHand: handPublishAsync}
	publishWaiting = work{name: "publish-64", figures: perSecond[:2],
		ours: troupePublishWaiting, byHand: handPublishWaiting}
	consume = work{name: "consume", figures: perSecond,
		prepare: fill, ours: troupeConsume, byHand: handConsume}
	latency = work{name: "latency", figures: []figure{{"p50, us", true}, {"p99, us", true}},
		ours: troupeLatency, byHand: handLatency}
)

// registry holds the one schema; both sides know its id without asking.
var registry = func() *schema.Memory {
	m := schema.NewMemory()
	s, err := schema.Of(&shop.OrderPlaced{})
	if err != nil {
		panic(err)
	}
	if _, err := m.Register(context.Background(), "bench", s); err != nil {
		panic(err)
	}
	return m
}()

var quiet = slog.New(slog.DiscardHandler)

func newProducer(s *setup) (*producer.Producer, error) {
	return producer.New(producer.Config{Kafka: s.Kafka, Registry: registry, Source: "bench", AutoRegister: true, Log: quiet})
}

// order is about 170 bytes of Avro.
func order(i int) *shop.OrderPlaced {
	note := "leave it with the neighbour if nobody is at home"
	return &shop.OrderPlaced{
		OrderID: fmt.Sprintf("order-%09d", i), CustomerID: keyOf(i), Currency: "EUR", TotalMinor: 12990 + int64(i%1000),
		Lines: []shop.OrderLine{{Sku: "tea-assam-250", Quantity: 2, UnitPriceMinor: 1250}, {Sku: "kettle-copper-2l", Quantity: 1, UnitPriceMinor: 8990}, {Sku: "cup-porcelain", Quantity: 4, UnitPriceMinor: 375}},
		Note:  &note,
	}
}

func keyOf(i int) string { return fmt.Sprintf("customer-%05d", i%10_000) }

func troupePublishAsync(ctx context.Context, s *setup) ([]float64, error) {
	topic, err := newTopic(ctx, s)
	if err != nil {
		return nil, err
	}
	p, err := newProducer(s)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	var failed atomic.Pointer[error]
	done := func(_ event.Meta, err error) {
		if err != nil {
			failed.Store(&err)
		}
	}
	began, cpu := time.Now(), cpuTime()
	err = inParallel(4, s.events, func(i int) error { return p.PublishAsync(ctx, topic, keyOf(i), order(i), done) })
	if err == nil {
		err = p.Flush(ctx)
	}
	if e := failed.Load(); e != nil {
		err = *e
	}
	return throughput(s.events, time.Since(began), cpuTime()-cpu), err
}

func troupePublishWaiting(ctx context.Context, s *setup) ([]float64, error) {
	topic, err := newTopic(ctx, s)
	if err != nil {
		return nil, err
	}
	p, err := newProducer(s)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	n := s.events / 4
	began, cpu := time.Now(), cpuTime()
	err = inParallel(64, n, func(i int) error { return p.Publish(ctx, topic, keyOf(i), order(i)) })
	return throughput(n, time.Since(began), cpuTime()-cpu), err
}

// fill publishes the input of the consume work.
func fill(ctx context.Context, s *setup) (err error) {
	if s.topic != "" {
		return nil
	}
	if s.topic, err = newTopic(ctx, s); err != nil {
		return err
	}
	p, err := newProducer(s)
	if err != nil {
		return err
	}
	defer p.Close()
	for i := range s.events {
		if err := p.PublishAsync(ctx, s.topic, keyOf(i), order(i), func(event.Meta, error) {}); err != nil {
			return err
		}
	}
	return p.Flush(ctx)
}

func newConsumer(s *setup, group, topic string, handle func(context.Context, event.Event[shop.OrderPlaced]) error) (c *consumer.Consumer, end func(), err error) {
	store, err := dedupe.OpenRedis(s.Redis)
	if err != nil {
		return nil, nil, err
	}
	letters, err := dlq.NewWriter(dlq.Config{Kafka: s.Kafka})
	if err != nil {
		return nil, nil, err
	}
	c, err = consumer.New(consumer.Config{Kafka: s.Kafka, Registry: registry, Group: group, Dedupe: store, DeadLetters: letters, Log: quiet},
		consumer.On(topic, handle))
	return c, func() { store.Close(); letters.Close() }, err
}

func troupeConsume(ctx context.Context, s *setup) ([]float64, error) {
	all := newCountdown(s.events)
	c, end, err := newConsumer(s, newGroup(s), s.topic, func(context.Context, event.Event[shop.OrderPlaced]) error {
		all.add()
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer end()
	return timed(ctx, s, s.events, all, c.Run)
}

func troupeLatency(ctx context.Context, s *setup) ([]float64, error) {
	topic, err := newTopic(ctx, s)
	if err != nil {
		return nil, err
	}
	got := make(chan struct{}, 1)
	c, end, err := newConsumer(s, newGroup(s), topic, func(context.Context, event.Event[shop.OrderPlaced]) error {
		got <- struct{}{}
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer end()
	p, err := newProducer(s)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return oneAtATime(ctx, s, got, c.Run, func(i int) error { return p.Publish(ctx, topic, keyOf(i), order(i)) })
}
