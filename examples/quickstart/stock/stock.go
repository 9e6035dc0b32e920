// Package stock is the stock service: it puts the goods of placed orders aside,
// and back on the shelf when an order is not paid.
package stock

import (
	"context"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/quickstart/contract"
	"github.com/troupe-go/troupe/producer"
)

// Service reserves goods.
type Service struct {
	Producer *producer.Producer
	// Reserved and Released are told of goods that were moved: the effects.
	Reserved, Released func(m event.Meta)
}

// Handlers are what the service reacts to.
func (s *Service) Handlers() []consumer.Handler {
	return []consumer.Handler{
		consumer.On(contract.Orders, s.reserve),
		consumer.On(contract.Payments, s.release),
	}
}

func (s *Service) reserve(ctx context.Context, e event.Event[contract.OrderPlaced]) error {
	items := int32(0)
	for _, l := range e.Data.Lines {
		items += l.Quantity
	}
	s.Reserved(e.Meta)
	return s.Producer.Publish(ctx, contract.Stock, e.Key, &contract.StockReserved{OrderID: e.Data.OrderID, Items: items})
}

func (s *Service) release(_ context.Context, e event.Event[contract.PaymentDeclined]) error {
	s.Released(e.Meta)
	return nil
}
