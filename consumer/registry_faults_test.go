package consumer_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/event"
	v1 "github.com/troupe-go/troupe/internal/parcel/v1"
	v3 "github.com/troupe-go/troupe/internal/parcel/v3"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/internal/sickregistry"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// impatient clients find out soon that nobody answers.
var impatient = schema.ClientConfig{Timeout: 100 * time.Millisecond, Patience: 300 * time.Millisecond, Pause: time.Millisecond}

func (s *stage) clientOf(r troupe.Registry, cfg schema.ClientConfig) *schema.Client {
	s.t.Helper()
	c, err := schema.NewClient(r, cfg)
	must(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	return c
}

// lockedBuffer is a log that a test reads while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

// Whatever a registry answers instead of an answer, a consumer that needs it
// waits, says so once, and goes on when the registry is well.
func TestRun_ASickRegistryHoldsAColdConsumerAndCostsNoEvent(t *testing.T) {
	services := troupetest.New(t)
	for name, illness := range sickregistry.Illnesses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStageOn(t, services, 3)
			must(t, s.producer.Close())
			s.registry = s.client()
			s.producer = s.newProducer(nil)
			front := sickregistry.New(t, s.Registry.URL)
			front.Ail(illness)
			var log lockedBuffer
			cfg := s.config()
			cfg.Registry, cfg.MaxAttempts = s.clientOf(troupe.Registry{URL: front.URL}, impatient), 1
			cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
			var e effects
			p := s.play(cfg, consumer.On(s.topic, e.handler))
			for i := range 30 {
				s.publish(fmt.Sprint("k-", i), fmt.Sprint("o-", i))
			}
			troupetest.Await(t, "the consumer to wait", func() bool {
				return p.Stats().AwaitingRegistry > 0 && front.Requests("GET") > 2
			})
			front.Heal()
			s.WaitCommitted(t, s.group, s.topic)
			st := p.Stats()
			if e.count() != 30 || st.DeadLettered != 0 || st.Retries != 0 || st.AwaitingRegistry != 0 {
				t.Errorf("%d effects, %+v", e.count(), st)
			}
			if n := log.count("waiting for the schema registry"); n != 1 {
				t.Errorf("said %d times that it waits", n)
			}
			if log.count("offset=") == 0 || log.count("schema=") == 0 || log.count("the schema registry has answered; the partition goes on") == 0 {
				t.Error("the log does not say which event waited, for which schema, and that it goes on")
			}
			s.wantLetters()
		})
	}
}

// The registry dies while events of three versions are under way. What is known
// goes on; a partition with a version that is not known yet is held, the others are not.
func TestRun_RegistryKilledInTheMiddleStopsOnlyWhatItWasNotAskedBefore(t *testing.T) {
	s := newEvolution(t, 1)
	proxy := s.Proxy(t)
	other := s.Topic(t, 1)
	cfg := s.config()
	cfg.Registry = s.clientOf(proxy.Settings.Registry, impatient)
	var here, there seen[v1.ParcelSent]
	p := s.play(cfg, consumer.On(s.topic, here.handler), consumer.On(other, there.handler))
	publish := func(topic string, r schema.Record) { must(t, s.producer.Publish(t.Context(), topic, "k", r)) }
	for _, topic := range []string{s.topic, other} {
		publish(topic, parcels[0].written)
		publish(topic, parcels[1].written)
		s.WaitCommitted(t, s.group, topic)
	}
	proxy.Registry.Down()
	for range 5 {
		publish(s.topic, parcels[0].written)
		publish(s.topic, parcels[1].written)
	}
	s.WaitCommitted(t, s.group, s.topic)
	publish(s.topic, parcels[2].written) // the consumer never saw this version
	publish(s.topic, parcels[0].written)
	troupetest.Await(t, "the partition to wait for the registry", func() bool { return p.Stats().AwaitingRegistry == 1 })
	for range 5 {
		publish(other, parcels[0].written)
		publish(other, parcels[1].written)
	}
	s.WaitCommitted(t, s.group, other)
	if n := here.count(); n != 12 {
		t.Errorf("%d events handled on the topic that waits, want the 12 before the unknown version", n)
	}
	proxy.Registry.Heal()
	s.WaitCommitted(t, s.group, s.topic)
	if st := p.Stats(); here.count() != 14 || there.count() != 12 || st.DeadLettered != 0 || st.AwaitingRegistry != 0 {
		t.Errorf("%d and %d events handled, %+v", here.count(), there.count(), st)
	}
}

func TestRun_ARegistryThatRestartsKeepsNobodyFromGoingOn(t *testing.T) {
	s := newEvolution(t, 2)
	cfg := s.config()
	cfg.Registry = s.clientOf(s.Registry, impatient)
	s.publish("k", "o-0")
	s.StopRegistry(t)
	var e effects
	p := s.play(cfg, consumer.On(s.topic, e.handler))
	for i := range 20 { // the producer is warm
		s.publish(fmt.Sprint("k-", i), fmt.Sprint("o-", i+1))
	}
	troupetest.Await(t, "the consumer to wait", func() bool { return p.Stats().AwaitingRegistry > 0 })
	s.StartRegistry(t)
	s.WaitCommitted(t, s.group, s.topic)
	if st := p.Stats(); e.count() != 21 || st.DeadLettered != 0 {
		t.Errorf("%d effects, %+v", e.count(), st)
	}
}

// A handler that publishes a type whose schema nobody has asked for yet, while
// the registry is away: that is an outage, and no failure of the event's.
func TestRun_AHandlerThatCanNotPublishWithoutTheRegistryIsChargedNoAttempt(t *testing.T) {
	s := newEvolution(t, 1)
	out := s.Topic(t, 1)
	front := sickregistry.New(t, s.Registry.URL)
	front.Ail(sickregistry.Illnesses["503"])
	downstream := s.newProducer(func(c *producer.Config) {
		c.Registry, c.DeliveryTimeout = s.clientOf(troupe.Registry{URL: front.URL}, impatient), 200*time.Millisecond
	})
	cfg := s.config()
	cfg.MaxAttempts = 2
	var calls atomic.Int64
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		calls.Add(1)
		if ev.Attempt != 1 || ev.Data.OrderID != "o-1" {
			t.Errorf("attempt %d, order %s", ev.Attempt, ev.Data.OrderID)
		}
		ev.Data.Lines[0].Sku += "changed"
		if sku := ev.Data.Lines[0].Sku; sku != "tea-250changed" {
			t.Errorf("the event is what the last call left of it: %s", sku)
		}
		return downstream.Publish(ctx, out, ev.Key, &shop.OrderCancelled{OrderID: ev.Data.OrderID})
	}))
	s.publish("k", "o-1")
	troupetest.Await(t, "more calls than attempts", func() bool { return calls.Load() > 3 })
	front.Heal()
	s.WaitCommitted(t, s.group, s.topic)
	if st := p.Stats(); st.Handled != 1 || st.DeadLettered != 0 {
		t.Errorf("%+v", st)
	}
	if n := len(s.Records(t, out)); n != 1 {
		t.Errorf("%d events published, want 1", n)
	}
	s.wantLetters()
}

func TestRun_AHerdOfPartitionsAsksForASchemaOnce(t *testing.T) {
	s := newEvolution(t, 32)
	front := sickregistry.New(t, s.Registry.URL)
	for i := range 32 {
		data, err := schema.AppendEncode(nil, parcels[0].written)
		must(t, err)
		sc, err := schema.Of(parcels[0].written)
		must(t, err)
		r := s.framed(s.register(schema.TopicRecordName(s.topic, parcelSent), sc).ID, fmt.Sprint("k-", i), data)
		r.Partition = int32(i)
		s.Produce(t, r)
	}
	cfg := s.config()
	cfg.Registry = s.clientOf(troupe.Registry{URL: front.URL}, schema.ClientConfig{})
	var old seen[v1.ParcelSent]
	s.play(cfg, consumer.On(s.topic, old.handler))
	s.WaitCommitted(t, s.group, s.topic)
	if n := front.Requests("GET /schemas/ids/"); n != 1 || old.count() != 32 {
		t.Errorf("%d requests for one schema, %d events handled", n, old.count())
	}
}

func TestRun_StopsWhileTheRegistryHangs(t *testing.T) {
	s := newEvolution(t, 1)
	front := sickregistry.New(t, s.Registry.URL)
	front.Ail(sickregistry.Illnesses["hangs"])
	cfg := s.config()
	cfg.Registry = s.clientOf(troupe.Registry{URL: front.URL}, schema.ClientConfig{Timeout: time.Hour, Patience: time.Hour})
	var e seen[v3.ParcelSent]
	p := s.play(cfg, consumer.On(s.topic, e.handler))
	must(t, s.producer.Publish(t.Context(), s.topic, "k", parcels[0].written))
	troupetest.Await(t, "the registry to be asked", func() bool { return front.Requests("GET") > 0 })
	stopped := make(chan error, 1)
	go func() { stopped <- p.stop() }()
	select {
	case err := <-stopped:
		must(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("Run waits for a registry that hangs")
	}
	if c := s.Committed(t, s.group, s.topic); c[0] > 0 {
		t.Errorf("offset %d is committed, and its event was not handled", c[0])
	}
}

func TestRun_APartitionThatWaitsForTheRegistryMovesToWhoNeedsNotWait(t *testing.T) {
	s := newEvolution(t, 2)
	front := sickregistry.New(t, s.Registry.URL)
	front.Ail(sickregistry.Illnesses["hangs"])
	cfg := s.config()
	cfg.Registry = s.clientOf(troupe.Registry{URL: front.URL}, schema.ClientConfig{Timeout: time.Hour, Patience: time.Hour})
	var e effects
	waiting := s.play(cfg, consumer.On(s.topic, e.handler))
	for i := range 20 {
		s.publish(fmt.Sprint("k-", i), fmt.Sprint("o-", i))
	}
	troupetest.Await(t, "the registry to be asked", func() bool { return front.Requests("GET") > 0 })
	well := s.play(s.config(), consumer.On(s.topic, e.handler))
	troupetest.Await(t, "the new member's share", func() bool { return well.Stats().Handled > 0 })
	if n := waiting.Stats().Handled; n != 0 {
		t.Errorf("%d events handled without a registry", n)
	}
	front.Heal()
	must(t, waiting.stop()) // its requests hang for an hour
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 20 || e.distinct() != 20 {
		t.Errorf("%d effects of %d orders", e.count(), e.distinct())
	}
}

// laggingRegistry is a replica that hears of schemas a while after the events
// that are written with them.
type laggingRegistry struct {
	schema.Registry
	asked, behind atomic.Int64
}

func (r *laggingRegistry) ByID(ctx context.Context, id int) (*schema.Schema, error) {
	if r.asked.Add(1) <= r.behind.Load() {
		return nil, &schema.NotFoundError{What: fmt.Sprint("schema ", id)}
	}
	return r.Registry.ByID(ctx, id)
}

func TestRun_ARegistryThatLagsBehindCostsNoEvent(t *testing.T) {
	s := newStage(t, 1)
	for name, fields := range map[string]event.Headers{"typed": ceHeaders("1"), "by its schema": nil} {
		t.Run(name, func(t *testing.T) {
			s := newStageOn(t, s.Services, 1)
			own, err := schema.Of(placed(""))
			must(t, err)
			data, err := schema.AppendEncode(nil, placed("o-1"))
			must(t, err)
			lagging := &laggingRegistry{Registry: s.registry}
			lagging.behind.Store(2)
			cfg := s.config()
			cfg.Registry = lagging
			var e effects
			p := s.play(cfg, consumer.On(s.topic, e.handler))
			r := s.framed(s.register("orders", own).ID, "k", data)
			r.Headers, r.Timestamp = fields, time.Now().UnixMilli()
			s.Produce(t, r)
			s.WaitCommitted(t, s.group, s.topic)
			if st := p.Stats(); e.count() != 1 || st.DeadLettered != 0 || lagging.asked.Load() < 3 {
				t.Errorf("%d effects, %+v", e.count(), st)
			}
		})
	}
}
