package producer_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/troupe-go/troupe/event"
	v1 "github.com/troupe-go/troupe/examples/evolution/v1"
	v2 "github.com/troupe-go/troupe/examples/evolution/v2"
	v3 "github.com/troupe-go/troupe/examples/evolution/v3"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func ExampleProducer_Publish() {
	ctx := context.Background()
	services, err := troupetest.Start(ctx, troupetest.Options{Embedded: true})
	if err != nil {
		log.Fatal(err)
	}
	defer services.Close()
	if err := services.CreateTopic(ctx, "orders", 4, nil); err != nil {
		log.Fatal(err)
	}

	p, err := producer.New(producer.Config{
		Kafka:        services.Kafka,
		Registry:     schema.NewMemory(), // a schema.Client outside of examples
		Source:       "shop",
		AutoRegister: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	order := &shop.OrderPlaced{OrderID: "o-17", CustomerID: "c-4", Currency: "EUR", TotalMinor: 1999}
	err = p.Publish(ctx, "orders", order.OrderID, order, producer.WithSubject("spring sale"))
	switch {
	case err == nil:
		fmt.Println("the order is in the log")
	case errors.Is(err, producer.ErrUnknownFate):
		fmt.Println("the order may be in the log:", err)
	default:
		fmt.Println("the order is not in the log:", err)
	}
	// Output: the order is in the log
}

func ExampleProducer_PublishAsync() {
	ctx := context.Background()
	services, err := troupetest.Start(ctx, troupetest.Options{Embedded: true})
	if err != nil {
		log.Fatal(err)
	}
	defer services.Close()
	if err := services.CreateTopic(ctx, "orders", 1, nil); err != nil {
		log.Fatal(err)
	}
	p, err := producer.New(producer.Config{Kafka: services.Kafka, Registry: schema.NewMemory(), Source: "shop", AutoRegister: true})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	for _, id := range []string{"o-1", "o-2", "o-3"} {
		order := &shop.OrderPlaced{OrderID: id, Currency: "EUR"}
		err := p.PublishAsync(ctx, "orders", id, order, func(m event.Meta, err error) {
			if err != nil {
				fmt.Println(m.Key, "was not acknowledged:", err)
				return
			}
			fmt.Println(m.Key, "is at offset", m.Offset)
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// o-1 is at offset 0
	// o-2 is at offset 1
	// o-3 is at offset 2
}

func ExampleProducer_PublishAll() {
	ctx := context.Background()
	services, err := troupetest.Start(ctx, troupetest.Options{Embedded: true})
	if err != nil {
		log.Fatal(err)
	}
	defer services.Close()
	if err := services.CreateTopic(ctx, "orders", 1, nil); err != nil {
		log.Fatal(err)
	}
	p, err := producer.New(producer.Config{Kafka: services.Kafka, Registry: schema.NewMemory(), Source: "shop", AutoRegister: true})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	err = p.PublishAll(ctx, "orders",
		producer.Message{Key: "o-1", Record: &shop.OrderPlaced{OrderID: "o-1"}},
		producer.Message{Key: "o-1", Record: &shop.OrderCancelled{OrderID: "o-1", Reason: "changed my mind"}},
		producer.Message{Key: "o-2", Record: &shop.OrderPlaced{OrderID: "o-2"}, Options: []producer.Option{producer.WithHeader("ce_id", "x")}},
	)
	var failed *producer.PublishAllError
	if errors.As(err, &failed) {
		for _, f := range failed.Failed {
			fmt.Println("not published: message", f.Index)
		}
	}
	// Output: not published: message 2
}

// A service that would break others refuses to start, and says whom and why.
func ExampleProducer_Prepare() {
	ctx := context.Background()
	services, err := troupetest.Start(ctx, troupetest.Options{Embedded: true})
	if err != nil {
		log.Fatal(err)
	}
	defer services.Close()
	if err := services.CreateTopic(ctx, "orders", 1, nil); err != nil {
		log.Fatal(err)
	}
	p, err := producer.New(producer.Config{Kafka: services.Kafka, Registry: schema.NewMemory(), Source: "bakery", AutoRegister: true})
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	fmt.Println("version 1:", p.Prepare(ctx, "orders", &v1.OrderPlaced{}))
	fmt.Println("version 2:", p.Prepare(ctx, "orders", &v2.OrderPlaced{}))
	err = p.Prepare(ctx, "orders", &v3.OrderPlaced{})
	var history *producer.HistoryError
	if errors.As(err, &history) {
		fmt.Println("version 3:", history)
	}
	// Output:
	// version 1: <nil>
	// version 2: <nil>
	// version 3: the schema breaks BACKWARD compatibility:
	//   consumers that get the new schema can't read events of version 2 (id 2):
	//     TYPE_MISMATCH at bakery.orders.OrderPlaced.order_id (/fields/0/type): the writer has string, the reader long
	//     READER_FIELD_MISSING_DEFAULT_VALUE at bakery.orders.OrderPlaced.total (/fields/1): the writer has no such field, and the reader (string) has no default for it
}
