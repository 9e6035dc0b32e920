// Package notifications is the notification service: it observes payments and
// writes to customers. Nothing waits for it.
package notifications

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/quickstart/contract"
)

// Service sends mail.
type Service struct {
	// Send is told of each mail: the effect.
	Send func(m event.Meta, to, text string)
}

// Handlers are what the service reacts to.
func (s *Service) Handlers() []consumer.Handler {
	return []consumer.Handler{
		consumer.On(contract.Payments, s.paid),
		consumer.On(contract.Payments, s.declined),
	}
}

func (s *Service) paid(_ context.Context, e event.Event[contract.PaymentAuthorized]) error {
	s.Send(e.Meta, e.Data.Email, fmt.Sprintf("Thank you: order %s is paid.", e.Data.OrderID))
	return nil
}

func (s *Service) declined(_ context.Context, e event.Event[contract.PaymentDeclined]) error {
	s.Send(e.Meta, e.Data.Email, fmt.Sprintf("Order %s could not be paid: %s.", e.Data.OrderID, e.Data.Reason))
	return nil
}
