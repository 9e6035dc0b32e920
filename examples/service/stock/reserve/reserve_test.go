package reserve

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/service/contract"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// published is a Publisher that fails as often as it is told and keeps the rest.
type published struct {
	failures int
	events   []contract.StockReserved
}

func (p *published) Publish(_ context.Context, _, _ string, record schema.Record, _ ...producer.Option) error {
	if p.failures--; p.failures >= 0 {
		return errors.New("Kafka is away")
	}
	p.events = append(p.events, *record.(*contract.StockReserved))
	return nil
}

func TestOnOrderPlaced_RunAgainReservesOnce(t *testing.T) {
	p := published{failures: 1}
	s := &Service{Publisher: &p, Shelf: NewShelf(map[string]int32{"tea": 3})}
	e := event.Event[contract.OrderPlaced]{
		Meta: event.Meta{Key: "ada"},
		Data: contract.OrderPlaced{OrderID: "o-1", Sku: "tea", Quantity: 5},
	}
	if err := s.OnOrderPlaced(t.Context(), e); err == nil {
		t.Fatal("not published, and no error")
	}
	if err := s.OnOrderPlaced(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if want := (contract.StockReserved{OrderID: "o-1", Sku: "tea", Reserved: 3, Missing: 2}); len(p.events) != 1 || p.events[0] != want {
		t.Errorf("published %+v", p.events)
	}
}

func TestService_ReservesOnceAndKeepsWhatItCannotHandle(t *testing.T) {
	s := troupetest.New(t)
	orders, stock, group := s.Topic(t, 4), s.Topic(t, 4), s.Group(t)
	registry, err := schema.NewClient(s.Registry, schema.ClientConfig{})
	check(t, err)
	defer registry.Close()
	store, err := dedupe.OpenRedis(s.Redis)
	check(t, err)
	defer store.Close()
	letters, err := dlq.NewWriter(dlq.Config{Kafka: s.Kafka})
	check(t, err)
	defer letters.Close()
	check(t, letters.Provision(t.Context(), group, orders))
	p, err := producer.New(producer.Config{Kafka: s.Kafka, Registry: registry, Source: "test", AutoRegister: true})
	check(t, err)
	defer p.Close()

	service := &Service{Publisher: p, Topic: stock, Shelf: NewShelf(map[string]int32{"tea": 10})}
	c, err := consumer.New(consumer.Config{Kafka: s.Kafka, Registry: registry, Group: group, Dedupe: store, DeadLetters: letters},
		consumer.On(orders, service.OnOrderPlaced))
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- c.Run(ctx) }()
	defer func() { stop(); check(t, <-stopped) }()

	check(t, p.Publish(t.Context(), orders, "ada", &contract.OrderPlaced{OrderID: "o-1", Sku: "tea", Quantity: 2}))
	check(t, p.Publish(t.Context(), orders, "bob", &contract.OrderPlaced{OrderID: "o-2", Sku: "moon dust", Quantity: 1}))
	s.WaitCommitted(t, group, orders)
	s.Produce(t, s.Records(t, orders)...) // both are delivered again, byte for byte
	s.WaitCommitted(t, group, orders)

	if left := service.Shelf.Left("tea"); left != 8 {
		t.Errorf("%d pieces left", left)
	}
	if reserved := s.Records(t, stock); len(reserved) != 1 || string(reserved[0].Key) != "ada" {
		t.Errorf("published %v", reserved)
	}
	if letters := s.Letters(t, group); len(letters) != 1 || string(letters[0].Key) != "bob" {
		t.Errorf("dead letters %v", letters)
	}
	if got := c.Stats(); got.Handled != 1 || got.Duplicates != 1 || got.DeadLettered != 1 || got.Parked != 1 {
		t.Errorf("%+v", got)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
