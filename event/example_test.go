package event_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/event"
)

// OrderPlaced would be generated from an Avro schema.
type OrderPlaced struct {
	OrderID string
	Lines   int
}

// stock is a service with one handler.
type stock struct{ reserved map[string]int }

func (s *stock) reserve(_ context.Context, e event.Event[OrderPlaced]) error {
	if e.Data.Lines == 0 {
		return errors.New("order " + e.Data.OrderID + " has no lines")
	}
	s.reserved[e.Key] += e.Data.Lines
	return nil
}

// A handler is a function of an event, so its unit test is a struct literal and a call.
func Example() {
	s := &stock{reserved: map[string]int{}}

	err := s.reserve(context.Background(), event.Event[OrderPlaced]{
		Meta: event.Meta{ID: "1", Source: "orders", Key: "customer-7"},
		Data: OrderPlaced{OrderID: "A-1207", Lines: 3},
	})
	fmt.Println(err, s.reserved)

	err = s.reserve(context.Background(), event.Event[OrderPlaced]{Data: OrderPlaced{OrderID: "A-1208"}})
	fmt.Println(err)
	// Output:
	// <nil> map[customer-7:3]
	// order A-1208 has no lines
}

// What a handler publishes gets ids that are the same when it runs again.
func ExampleCause_DerivedID() {
	placed := &event.Meta{ID: "1", Source: "orders"}
	for attempt := 1; attempt <= 2; attempt++ {
		ctx := event.NewContext(context.Background(), "stock", placed)
		cause := event.FromContext(ctx)
		fmt.Println(attempt, cause.DerivedID("stock", "shop.Reserved", "customer-7"))
		fmt.Println(attempt, cause.DerivedID("stock", "shop.Reserved", "customer-7"))
	}
	// Output:
	// 1 747bf102-943f-8817-8916-d4bc9714d9cc
	// 1 ecfbdf9e-eef4-8055-a504-a03342e7e01b
	// 2 747bf102-943f-8817-8916-d4bc9714d9cc
	// 2 ecfbdf9e-eef4-8055-a504-a03342e7e01b
}
