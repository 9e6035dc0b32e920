package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

const (
	orderPlaced    = "shop.orders.OrderPlaced"
	orderCancelled = "shop.orders.OrderCancelled"
)

// stage is one topic that Troupe and its peers share.
type stage struct {
	*troupetest.Services
	topic    string
	types    map[string]avroType
	registry *schema.Client
}

func newStage(t *testing.T, services *troupetest.Services) *stage {
	t.Helper()
	s := &stage{Services: services, topic: services.Topic(t, 12)}
	s.types = map[string]avroType{
		orderPlaced:    {avsc(t, "order_placed", s.topic), s.topic + "-value"},
		orderCancelled: {avsc(t, "order_cancelled", s.topic), schema.TopicRecordName(s.topic, orderCancelled)},
	}
	var err error
	s.registry, err = schema.NewClient(s.Registry, schema.ClientConfig{})
	must(t, err)
	t.Cleanup(func() { s.registry.Close() })
	return s
}

// avsc returns a schema in words that no registry has seen yet: whoever
// registered it before would hide how it is registered now. To Avro it is the
// same schema.
func avsc(t *testing.T, name, words string) string {
	t.Helper()
	b, err := os.ReadFile("../shop/" + name + ".avsc")
	must(t, err)
	before, after, ok := strings.Cut(string(b), `"doc": "`)
	if !ok {
		t.Fatalf("%s.avsc has no doc", name)
	}
	return before + `"doc": "` + words + ": " + after
}

// hasGUIDs tells whether the registry gives its schemas the GUIDs that the
// header form of the wire format needs.
func (s *stage) hasGUIDs(t *testing.T) bool {
	t.Helper()
	sch, err := schema.Of(&shop.OrderPlaced{})
	must(t, err)
	v, err := s.registry.Register(t.Context(), s.types[orderPlaced].Subject, sch)
	must(t, err)
	resp, err := http.Get(fmt.Sprintf("%s/schemas/ids/%d", strings.TrimSuffix(s.Registry.URL, "/"), v.ID))
	must(t, err)
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var answer struct{ GUID string }
	must(t, json.NewDecoder(resp.Body).Decode(&answer))
	return answer.GUID != ""
}

// publisher returns a producer of Troupe's.
func (s *stage) publisher(t *testing.T, codec kafka.Compression) *producer.Producer {
	t.Helper()
	p, err := producer.New(producer.Config{Kafka: s.Kafka, Registry: s.registry, Source: "troupe/interop", AutoRegister: true, Compression: codec})
	must(t, err)
	t.Cleanup(func() { must(t, p.Close()) })
	return p
}

// reaction is what a consumer of Troupe's made of the stage's topic.
type reaction struct {
	mu      sync.Mutex
	handled map[place][]handled
	letters []dlq.Letter
	stats   consumer.Stats
}

// handled is an event as a handler got it.
type handled struct {
	event.Meta
	data schema.Record
}

func (r *reaction) add(m event.Meta, data schema.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := place{m.Partition, m.Offset}
	r.handled[at] = append(r.handled[at], handled{m, data})
	return nil
}

// react consumes everything that is in the topic now.
func (s *stage) react(t *testing.T) *reaction {
	t.Helper()
	store, err := dedupe.OpenRedis(s.Redis)
	must(t, err)
	defer store.Close()
	letters, err := dlq.NewWriter(dlq.Config{Kafka: s.Kafka})
	must(t, err)
	defer letters.Close()
	group := s.Group(t)
	must(t, letters.Provision(t.Context(), group, s.topic))

	r := &reaction{handled: map[place][]handled{}}
	c, err := consumer.New(
		consumer.Config{
			Kafka: s.Kafka, Registry: s.registry, Group: group, Dedupe: store, DeadLetters: letters,
			Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		},
		consumer.On(s.topic, func(_ context.Context, e event.Event[shop.OrderPlaced]) error { return r.add(e.Meta, &e.Data) }),
		consumer.On(s.topic, func(_ context.Context, e event.Event[shop.OrderCancelled]) error { return r.add(e.Meta, &e.Data) }),
	)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	s.WaitCommitted(t, group, s.topic)
	for _, l := range s.Letters(t, group) {
		r.letters = append(r.letters, dlq.Parse(l))
	}
	r.stats = c.Stats()
	return r
}

// orders are values at the ends of what their types hold.
func orders() []*shop.OrderPlaced {
	none, some := "", "bitte klingeln 🔔 – Zürich"
	many := make([]shop.OrderLine, 300)
	for i := range many {
		many[i] = shop.OrderLine{Sku: fmt.Sprint("sku-", i), Quantity: int32(i), UnitPriceMinor: int64(i) << 30}
	}
	return []*shop.OrderPlaced{
		{OrderID: "o-1", CustomerID: "c-1", Currency: "EUR", TotalMinor: 1250, Lines: []shop.OrderLine{{Sku: "tea-250", Quantity: 2, UnitPriceMinor: 625}}},
		{OrderID: "o-2", CustomerID: "顧客", Currency: "JPY", TotalMinor: math.MaxInt64, Lines: []shop.OrderLine{{Sku: "", Quantity: math.MinInt32, UnitPriceMinor: math.MinInt64}}, Note: &some},
		{OrderID: "o-3", CustomerID: "", Currency: "", TotalMinor: -1, Lines: []shop.OrderLine{}, Note: &none},
		{OrderID: "o-4", CustomerID: "c-4", Currency: "CHF", TotalMinor: 0, Lines: many},
	}
}

// said is an event as a peer writes and reads it.
func said(record schema.Record) map[string]any {
	switch r := record.(type) {
	case *shop.OrderPlaced:
		lines := make([]any, len(r.Lines))
		for i, l := range r.Lines {
			lines[i] = map[string]any{"sku": l.Sku, "quantity": l.Quantity, "unit_price_minor": l.UnitPriceMinor}
		}
		return map[string]any{"order_id": r.OrderID, "customer_id": r.CustomerID, "currency": r.Currency, "total_minor": r.TotalMinor, "lines": lines, "note": r.Note}
	case *shop.OrderCancelled:
		return map[string]any{"order_id": r.OrderID, "reason": r.Reason}
	}
	panic(fmt.Sprintf("no %T is shared with the peers", record))
}

func fullName(record schema.Record) string {
	s, err := schema.Of(record)
	if err != nil {
		panic(err) // generated code
	}
	return s.FullName()
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
