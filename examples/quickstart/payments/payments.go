// Package payments is the payment service: it reacts to placed orders and
// publishes whether they are paid for.
package payments

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/quickstart/contract"
	"github.com/troupe-go/troupe/producer"
)

// Service authorizes payments.
type Service struct {
	Producer *producer.Producer
	// Limits are the largest amounts, in the currency's smallest unit, that are
	// paid without asking. An order in a currency without a limit is declined.
	Limits map[string]int64
	// Acquirers are the countries in which payments can be made.
	Acquirers map[string]bool
	// Charged is told of each amount that was reserved, Declined of each that was
	// refused: the effects.
	Charged, Declined func(m event.Meta)

	mu     sync.Mutex
	called map[string]bool
}

// Handlers are what the service reacts to.
func (s *Service) Handlers() []consumer.Handler {
	return []consumer.Handler{consumer.On(contract.Orders, s.authorize)}
}

func (s *Service) authorize(ctx context.Context, e event.Event[contract.OrderPlaced]) error {
	o := e.Data
	if !s.Acquirers[o.Customer.Country] {
		return consumer.Permanent(fmt.Errorf("no acquirer for country %q of customer %s", o.Customer.Country, o.Customer.ID))
	}
	if err := s.gateway(o.OrderID); err != nil {
		return err // tried again
	}
	if limit := s.Limits[o.Currency]; o.TotalMinor > limit {
		s.Declined(e.Meta)
		return s.Producer.Publish(ctx, contract.Payments, e.Key, &contract.PaymentDeclined{OrderID: o.OrderID, Reason: fmt.Sprintf("%d %s is over the limit of %d", o.TotalMinor, o.Currency, limit), Email: o.Customer.Email})
	}
	s.Charged(e.Meta)
	return s.Producer.Publish(ctx, contract.Payments, e.Key, &contract.PaymentAuthorized{OrderID: o.OrderID, PaymentID: "pay-" + o.OrderID, Currency: o.Currency, AmountMinor: o.TotalMinor, Email: o.Customer.Email})
}

// gateway stands for the bank: for one order in 25 it does not answer the first time.
func (s *Service) gateway(order string) error {
	h := fnv.New32a()
	h.Write([]byte(order))
	if h.Sum32()%25 != 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.called == nil {
		s.called = map[string]bool{}
	}
	if !s.called[order] {
		s.called[order] = true
		return errors.New("the bank's gateway timed out")
	}
	return nil
}
