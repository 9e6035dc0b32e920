package producer_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// published returns the events of a topic.
func published(t *testing.T, s *troupetest.Services, topic string) []event.Raw {
	t.Helper()
	var events []event.Raw
	for _, r := range s.Records(t, topic) {
		m, _, data, err := wire.Decode(&r)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event.Raw{Meta: m, Data: data})
	}
	return events
}

func TestPublish_AnEventOutsideOfAHandlerStartsAFlow(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	registry := schema.NewMemory()
	p := newProducer(t, s, func(c *producer.Config) { c.Registry = registry })
	before := time.Now()
	if err := p.Publish(t.Context(), topic, "o-1", placed("o-1")); err != nil {
		t.Fatal(err)
	}
	events := published(t, s, topic)
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	m := events[0].Meta
	id, err := uuid.Parse(m.ID)
	if err != nil || id.Version() != 7 {
		t.Errorf("the id %q is no UUIDv7", m.ID)
	}
	if m.CorrelationID != m.ID || m.CausationID != "" || m.Hops != 0 || m.Source != "shop" || m.Key != "o-1" || m.Type != "shop.orders.OrderPlaced" {
		t.Errorf("got %+v", m)
	}
	if m.Time.Before(before.Add(-time.Millisecond)) || m.Time.After(time.Now()) {
		t.Errorf("the time is %v", m.Time)
	}
	d, err := schema.NewDecoder[shop.OrderPlaced](registry, schema.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got shop.OrderPlaced
	if err := d.Decode(t.Context(), m.SchemaID, events[0].Data, &got); err != nil || got.OrderID != "o-1" || got.Lines[0].Sku != "mug" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestPublish_InAHandlerTheEventBelongsToTheFlowAndKeepsItsIDWhenRunAgain(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s, nil)
	parent := event.Meta{ID: "parent", Source: "web", CorrelationID: "flow", Hops: 3}
	for range 2 { // the handler runs twice
		ctx := event.NewContext(t.Context(), "stock", &parent)
		for range 2 {
			if err := p.Publish(ctx, topic, "o-1", placed("o-1")); err != nil {
				t.Fatal(err)
			}
		}
	}
	events := published(t, s, topic)
	if len(events) != 4 {
		t.Fatalf("%d events", len(events))
	}
	for i, e := range events {
		if e.CorrelationID != "flow" || e.CausationID != "parent" || e.Hops != 4 {
			t.Errorf("got %+v", e.Meta)
		}
		if e.ID != events[i%2].ID {
			t.Errorf("run again, event %d has the id %s, first it was %s", i, e.ID, events[i%2].ID)
		}
	}
	if events[0].ID == events[1].ID {
		t.Error("two events of one run have one id")
	}
}

func TestPublish_OptionsDecide(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 3)
	p := newProducer(t, s, nil)
	at := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC)
	err := p.Publish(t.Context(), topic, "", placed("o-1"), producer.WithID("mine"), producer.WithSubject("orders/1"), producer.WithTime(at),
		producer.WithCorrelationID("request-7"), producer.WithHeader("tenant", "blue"), producer.WithHeader("tenant", "green"))
	if err != nil {
		t.Fatal(err)
	}
	m := published(t, s, topic)[0].Meta
	if m.ID != "mine" || m.Subject != "orders/1" || !m.Time.Equal(at) || m.CorrelationID != "request-7" || m.Key != "" {
		t.Errorf("got %+v", m)
	}
	if len(m.Headers) != 2 || string(m.Headers[0].Value) != "blue" || m.Headers.Get("tenant") != "green" {
		t.Errorf("got headers %v", m.Headers)
	}
	if err := p.Publish(t.Context(), topic, "", placed("o-2"), producer.WithHeader("ce_id", "stolen")); err == nil {
		t.Error("a header that is ours was taken")
	}
}
