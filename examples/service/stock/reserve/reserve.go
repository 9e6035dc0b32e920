// Package reserve puts the goods of placed orders aside.
package reserve

import (
	"context"
	"fmt"
	"sync"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/service/contract"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
)

// Publisher is what the service needs of a producer.Producer.
type Publisher interface {
	Publish(ctx context.Context, topic, key string, record schema.Record, opts ...producer.Option) error
}

// Service reserves goods.
type Service struct {
	Publisher Publisher
	// Topic is where StockReserved goes.
	Topic string
	Shelf *Shelf
}

// OnOrderPlaced reserves what was ordered and says so. It may run again after
// an error or a crash, so each step stands that: the shelf knows the order, and
// what is published with ctx gets the same id.
func (s *Service) OnOrderPlaced(ctx context.Context, e event.Event[contract.OrderPlaced]) error {
	order := e.Data
	reserved, known := s.Shelf.Reserve(order.OrderID, order.Sku, order.Quantity)
	if !known {
		return consumer.Permanent(fmt.Errorf("order %s: there is no %q in this store", order.OrderID, order.Sku))
	}
	return s.Publisher.Publish(ctx, s.Topic, e.Key, &contract.StockReserved{
		OrderID: order.OrderID, Sku: order.Sku, Reserved: reserved, Missing: order.Quantity - reserved,
	})
}

// Shelf is what there is, in memory to keep the example small: yours is a
// database, with the order's id as a unique key. It is safe for concurrent use.
type Shelf struct {
	mu     sync.Mutex
	pieces map[string]int32
	orders map[string]int32
}

// NewShelf returns a Shelf with that many pieces of each SKU.
func NewShelf(pieces map[string]int32) *Shelf {
	return &Shelf{pieces: pieces, orders: map[string]int32{}}
}

// Reserve takes up to quantity pieces off the shelf for an order, once. It
// returns how many, and whether the SKU is known.
func (s *Shelf) Reserve(order, sku string, quantity int32) (reserved int32, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reserved, again := s.orders[order]; again {
		return reserved, true
	}
	left, known := s.pieces[sku]
	if !known {
		return 0, false
	}
	reserved = min(quantity, left)
	s.pieces[sku] -= reserved
	s.orders[order] = reserved
	return reserved, true
}

// Left returns how many pieces of a SKU nobody has reserved.
func (s *Shelf) Left(sku string) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pieces[sku]
}
