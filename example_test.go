package troupe_test

import (
	"context"
	"fmt"
	"log"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/quickstart/contract"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// One service publishes that an order was placed; another one reserves the goods,
// once, whatever is delivered twice.
func Example() {
	ctx := context.Background()
	// Kafka, Redis and a registry: TROUPE_* says where, or they run in here.
	services, err := troupetest.Start(ctx, troupetest.Options{})
	check(err)
	defer services.Close()
	topic, group := "orders-example", "stock-example"
	check(services.EnsureTopics(ctx, 4, topic))

	registry, err := schema.NewClient(services.Registry, schema.ClientConfig{})
	check(err)
	defer registry.Close()
	store, err := dedupe.OpenRedis(services.Redis)
	check(err)
	defer store.Close()
	letters, err := dlq.NewWriter(dlq.Config{Kafka: services.Kafka})
	check(err)
	defer letters.Close()
	check(letters.Provision(ctx, group, topic))

	// The stock service: topic -> reaction.
	reserved := make(chan string, 1)
	c, err := consumer.New(consumer.Config{Kafka: services.Kafka, Registry: registry, Group: group, Dedupe: store, DeadLetters: letters},
		consumer.On(topic, func(ctx context.Context, e event.Event[contract.OrderPlaced]) error {
			if len(e.Data.Lines) == 0 {
				return consumer.Permanent(fmt.Errorf("order %s has no lines", e.Data.OrderID)) // a dead letter
			}
			reserved <- e.Data.OrderID // any error would be tried again
			return nil
		}),
	)
	check(err)
	running, stop := context.WithCancel(ctx)
	stopped := make(chan error)
	go func() { stopped <- c.Run(running) }()

	// The order service.
	p, err := producer.New(producer.Config{Kafka: services.Kafka, Registry: registry, Source: "orders", AutoRegister: true})
	check(err)
	defer p.Close()
	order := &contract.OrderPlaced{OrderID: "o-1", Currency: "EUR", TotalMinor: 1250, Lines: []contract.OrderLine{{Sku: "tea-250", Quantity: 2, UnitPriceMinor: 625}}}
	check(p.Publish(ctx, topic, "customer-7", order))

	fmt.Println("reserved", <-reserved)
	stop()
	check(<-stopped)
	// Output: reserved o-1
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
