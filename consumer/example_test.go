package consumer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	v1 "github.com/troupe-go/troupe/examples/evolution/v1"
	v2 "github.com/troupe-go/troupe/examples/evolution/v2"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// Two versions of an event are on one topic, written by an old and a new release.
// The handler's type says what it sees: a symbol that version 1 does not know
// becomes its enum's default, and a field that it does not know is left out.
func ExampleOn_versions() {
	ctx := context.Background()
	services, err := troupetest.Start(ctx, troupetest.Options{Embedded: true})
	check(err)
	defer services.Close()
	check(services.CreateTopic(ctx, "orders", 1, nil))
	registry := schema.NewMemory() // a schema.Client outside of examples
	letters, err := dlq.NewWriter(dlq.Config{Kafka: services.Kafka})
	check(err)
	defer letters.Close()
	check(letters.Provision(ctx, "oven", "orders"))

	p, err := producer.New(producer.Config{Kafka: services.Kafka, Registry: registry, Source: "shop", AutoRegister: true})
	check(err)
	defer p.Close()
	check(p.Publish(ctx, "orders", "ada", &v1.OrderPlaced{OrderID: "o-1", TotalCents: 350, Channel: "COUNTER"}))
	check(p.Publish(ctx, "orders", "ada", &v2.OrderPlaced{OrderID: "o-2", TotalCents: 1200, Currency: "CHF", Channel: "WEB"}))

	running, stop := context.WithCancel(ctx)
	c, err := consumer.New(consumer.Config{
		Kafka: services.Kafka, Registry: registry, Group: "oven", Dedupe: consumer.AtLeastOnce, DeadLetters: letters,
	},
		consumer.On("orders", func(_ context.Context, e event.Event[v1.OrderPlaced]) error {
			fmt.Println(e.Data.OrderID, e.Data.TotalCents, e.Data.Channel)
			if e.Data.OrderID == "o-2" {
				stop()
			}
			return nil
		}),
	)
	check(err)
	check(c.Run(running))
	// Output:
	// o-1 350 COUNTER
	// o-2 1200 OTHER
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
