package producer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func TestNew_TellsEveryProblemTogether(t *testing.T) {
	t.Parallel()
	_, err := producer.New(producer.Config{
		Kafka:            troupe.Kafka{Brokers: []string{"no-port"}},
		Compression:      9,
		DeliveryTimeout:  -1,
		MaxBufferedBytes: 5,
		MaxBatchBytes:    5,
		Compatibility:    "SIDEWAYS",
	})
	for _, want := range []string{"no-port", "Registry", "SIDEWAYS", "Source", "Compression", "DeliveryTimeout", "MaxBufferedBytes", "MaxBatchBytes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in: %v", want, err)
		}
	}
}

func TestPublish_ASchemaThatIsNotRegisteredIsNamed(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s, func(c *producer.Config) { c.AutoRegister = false })
	err := p.Publish(t.Context(), topic, "o-1", placed("o-1"))
	var missing *schema.NotFoundError
	var se *producer.SchemaError
	if !errors.As(err, &missing) || !errors.As(err, &se) || se.Subject != topic+"-shop.orders.OrderPlaced" || !strings.Contains(err.Error(), "troupe schema register") || !strings.Contains(err.Error(), "AutoRegister") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
}

// fakeRegistry answers registrations as it is told, and counts them.
type fakeRegistry struct {
	*schema.Memory
	err   atomic.Pointer[error]
	asked atomic.Int64
	hangs bool
}

func (r *fakeRegistry) fail(err error) { r.err.Store(&err) }
func (r *fakeRegistry) heal()          { r.err.Store(nil) }

var errAway = &schema.UnavailableError{Registry: "http://registry", Err: errors.New("connection refused")}

func (r *fakeRegistry) Register(ctx context.Context, subject string, s *schema.Schema) (schema.Version, error) {
	r.asked.Add(1)
	if r.hangs {
		<-ctx.Done()
		return schema.Version{}, ctx.Err()
	}
	if err := r.err.Load(); err != nil {
		return schema.Version{}, *err
	}
	return r.Memory.Register(ctx, subject, s)
}

func TestPublish_ARegistryThatIsDownStopsOnlyWhatItWasNotAskedBefore(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	registry := &fakeRegistry{Memory: schema.NewMemory()}
	p := newProducer(t, s, func(c *producer.Config) { c.Registry, c.DeliveryTimeout = registry, 2*time.Second })
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := p.Publish(t.Context(), topic, "o-1", placed("o-1")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := registry.asked.Load(); n != 1 {
		t.Errorf("the registry was asked %d times for one schema", n)
	}
	registry.fail(errAway)
	if err := p.Publish(t.Context(), topic, "o-1", placed("o-1")); err != nil {
		t.Errorf("a schema that is known needs no registry: %v", err)
	}
	for range 100 {
		wg.Go(func() {
			err := p.Publish(t.Context(), topic, "o-1", &shop.OrderCancelled{OrderID: "o-1"})
			if !errors.As(err, new(*schema.UnavailableError)) || !strings.Contains(err.Error(), "shop.orders.OrderCancelled") || !strings.Contains(err.Error(), "connection refused") {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if n := registry.asked.Load() - 1; n < 2 || n > 10 {
		t.Errorf("a registry that is down was asked %d times in 2 s by 100 who wait", n)
	}
}

func TestPublish_WaitsForARegistryThatComesBackAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	registry := &fakeRegistry{Memory: schema.NewMemory()}
	registry.fail(errAway)
	var log bytes.Buffer
	p := newProducer(t, s, func(c *producer.Config) {
		c.Registry, c.Log = registry, slog.New(slog.NewTextHandler(&log, nil))
	})
	published := make(chan error, 1)
	go func() { published <- p.Publish(t.Context(), topic, "o-1", placed("o-1")) }()
	troupetest.Await(t, "the registry to be asked again", func() bool { return registry.asked.Load() > 2 })
	if n := p.Stats().AwaitingRegistry; n != 1 {
		t.Errorf("%d schemas wait for the registry, want 1", n)
	}
	registry.heal()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	if n := p.Stats().AwaitingRegistry; n != 0 {
		t.Errorf("%d schemas wait for the registry, want 0", n)
	}
	p.Close()
	if n := strings.Count(log.String(), "waiting for the schema registry"); n != 1 || !strings.Contains(log.String(), "connection refused") {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}

func TestPublish_ARegistryThatHangsCostsTheDeliveryTimeout(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s, func(c *producer.Config) {
		c.Registry, c.DeliveryTimeout = &fakeRegistry{Memory: schema.NewMemory(), hangs: true}, 100*time.Millisecond
	})
	err := p.Publish(t.Context(), topic, "o-1", placed("o-1"))
	if err == nil || !strings.Contains(err.Error(), "schema of shop.orders.OrderPlaced") {
		t.Fatalf("got %v", err)
	}
}

func TestPublish_ASchemaThatTheRegistryRefusesIsToldInItsWords(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	registry := &fakeRegistry{Memory: schema.NewMemory()}
	registry.fail(&schema.IncompatibleError{Subject: "x", Reasons: []string{"READER_FIELD_MISSING_DEFAULT_VALUE /fields/1"}})
	p := newProducer(t, s, func(c *producer.Config) { c.Registry = registry })
	if err := p.Prepare(t.Context(), topic, placed("")); err == nil || !strings.Contains(err.Error(), "READER_FIELD_MISSING_DEFAULT_VALUE") {
		t.Fatalf("got %v", err)
	}
}

func TestPrepare_FindsTopicAndSchemasOrTellsAllThatIsMissing(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s, nil)
	if err := p.Prepare(t.Context(), topic, placed(""), (*shop.OrderCancelled)(nil)); err != nil {
		t.Fatal(err)
	}
	p = newProducer(t, s, func(c *producer.Config) { c.AutoRegister = false })
	err := p.Prepare(t.Context(), topic+"-missing", placed(""), &shop.OrderCancelled{})
	for _, want := range []string{"missing does not exist", "OrderPlaced", "OrderCancelled"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in: %v", want, err)
		}
	}
}

func TestPublish_WhatIsTooLargeOrGoesNowhereIsNotSent(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s, nil)
	large := placed("o-1")
	large.CustomerID = strings.Repeat("x", 1_000_001)
	err := p.Publish(t.Context(), topic, "o-1", large)
	var tooLarge *producer.TooLargeError
	if !errors.As(err, &tooLarge) || tooLarge.Limit != 1_000_000 || errors.Is(err, producer.ErrUnknownFate) {
		t.Errorf("got %v", err)
	}
	if err := p.Publish(t.Context(), topic+"-missing", "o-1", placed("o-1")); !errors.As(err, new(*producer.UnknownTopicError)) {
		t.Errorf("got %v", err)
	}
	if n := len(s.Records(t, topic)); n != 0 {
		t.Errorf("%d records in the log", n)
	}
}

func TestPublish_ABrokerThatIsDownIsToldInTime(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	p := newProducer(t, s, func(c *producer.Config) {
		c.Kafka = troupe.Kafka{Brokers: []string{"127.0.0.1:1"}}
		c.DeliveryTimeout = 2 * time.Second
	})
	err := p.Publish(t.Context(), "orders", "o-1", placed("o-1"))
	if !errors.Is(err, producer.ErrDeliveryTimeout) || errors.Is(err, producer.ErrUnknownFate) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
}

// mute lets every connection of k swallow what the broker sends while the switch is on.
func mute(k troupe.Kafka, on *atomic.Bool) troupe.Kafka {
	k.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, address)
		return mutedConn{nc, on}, err
	}
	return k
}

type mutedConn struct {
	net.Conn
	on *atomic.Bool
}

func (c mutedConn) Read(b []byte) (int, error) {
	for {
		if n, err := c.Conn.Read(b); err != nil || !c.on.Load() {
			return n, err
		}
	}
}

func TestPublish_WhenCtxEndsWhileItWaitsTheFateIsUnknown(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	var muted atomic.Bool
	p := newProducer(t, s, func(c *producer.Config) { c.Kafka, c.DeliveryTimeout = mute(c.Kafka, &muted), 3*time.Second })
	if err := p.Publish(t.Context(), topic, "o-1", placed("o-1")); err != nil {
		t.Fatal(err)
	}
	muted.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	err := p.Publish(ctx, topic, "o-1", placed("o-1"))
	var pe *producer.PublishError
	if !errors.Is(err, producer.ErrUnknownFate) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &pe) || pe.Meta.ID == "" {
		t.Fatalf("got %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Publish(gone, topic, "o-1", placed("o-1")); !errors.Is(err, context.Canceled) || errors.Is(err, producer.ErrUnknownFate) {
		t.Fatalf("with a ctx that has ended: %v", err)
	}
}

func TestPublishAsync_TellsWhereEachEventIs(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 4)
	p := newProducer(t, s, func(c *producer.Config) { c.Compression = kafka.Zstd })
	var mu sync.Mutex
	told := make(map[string]event.Meta)
	for i := range 500 {
		id := fmt.Sprintf("o-%d", i)
		err := p.PublishAsync(t.Context(), topic, id, placed(id), func(m event.Meta, err error) {
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			told[m.ID] = m
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if len(told) != 500 {
		t.Fatalf("%d of 500 told", len(told))
	}
	for _, e := range published(t, s, topic) {
		if m := told[e.ID]; m.Partition != e.Partition || m.Offset != e.Offset || m.Key != e.Key || m.Topic != topic || m.SchemaID != e.SchemaID {
			t.Errorf("told %+v, is %+v", m, e.Meta)
		}
	}
}

func TestPublishAsync_WithoutDoneAFailureIsLogged(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	var muted atomic.Bool
	var log bytes.Buffer
	p := newProducer(t, s, func(c *producer.Config) {
		c.Kafka, c.DeliveryTimeout = mute(c.Kafka, &muted), 3*time.Second
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	if err := p.Publish(t.Context(), topic, "o-1", placed("o-1")); err != nil {
		t.Fatal(err)
	}
	muted.Store(true)
	if err := p.PublishAsync(t.Context(), topic, "o-1", placed("o-1"), nil, producer.WithID("lost-one")); err != nil {
		t.Fatal(err)
	}
	p.Flush(within(t, time.Minute))
	p.Close()
	if !strings.Contains(log.String(), "lost-one") || !strings.Contains(log.String(), "may_be_in_the_log=true") {
		t.Fatalf("the log has %q", log.String())
	}
}

func TestPublishAll_ListsWhatWasNotAcknowledged(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s, nil)
	large := placed("o-3")
	large.CustomerID = strings.Repeat("x", 1_000_001)
	messages := []producer.Message{
		{Key: "o-1", Record: placed("o-1")},
		{Key: "o-2", Record: placed("o-2"), Options: []producer.Option{producer.WithSubject("two")}},
		{Key: "o-3", Record: large},
		{Key: "o-1", Record: &shop.OrderCancelled{OrderID: "o-1"}},
	}
	err := p.PublishAll(t.Context(), topic, messages...)
	var all *producer.PublishAllError
	if !errors.As(err, &all) || all.Total != 4 || len(all.Failed) != 1 || all.Failed[0].Index != 2 || !errors.As(err, new(*producer.TooLargeError)) {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, e := range published(t, s, topic) {
		got = append(got, e.Key+" "+e.Type+" "+e.Subject)
	}
	if want := "o-1 shop.orders.OrderPlaced ,o-2 shop.orders.OrderPlaced two,o-1 shop.orders.OrderCancelled "; strings.Join(got, ",") != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if err := p.PublishAll(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	if got := p.Stats(); got.Acknowledged != 3 || got.Failed != 1 {
		t.Fatalf("got %+v", got)
	}
}

func TestClose_FlushesAndRefusesWhatComesLater(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 2)
	p := newProducer(t, s, nil)
	var told atomic.Int64
	for i := range 200 {
		id := fmt.Sprintf("o-%d", i)
		if err := p.PublishAsync(t.Context(), topic, id, placed(id), func(_ event.Meta, err error) {
			if err == nil {
				told.Add(1)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if told.Load() != 200 || len(s.Records(t, topic)) != 200 {
		t.Fatalf("%d of 200 told", told.Load())
	}
	if err := p.Publish(t.Context(), topic, "o", placed("o")); !errors.Is(err, producer.ErrClosed) {
		t.Fatalf("got %v", err)
	}
	if err := p.Close(); !errors.Is(err, producer.ErrClosed) {
		t.Fatalf("a second Close: %v", err)
	}
}
