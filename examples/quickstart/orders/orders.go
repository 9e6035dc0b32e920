// Package orders is the order service: it turns lines of input into OrderPlaced
// events and follows what becomes of them. It knows nothing of who reacts to them.
package orders

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/examples/quickstart/contract"
	"github.com/troupe-go/troupe/producer"
)

// Order is one line of input.
type Order struct {
	OrderID  string    `json:"order_id"`
	PlacedAt time.Time `json:"placed_at"`
	Customer struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Email   string `json:"email"`
		Country string `json:"country"`
	} `json:"customer"`
	Currency string `json:"currency"`
	Lines    []struct {
		SKU            string `json:"sku"`
		Name           string `json:"name"`
		Quantity       int32  `json:"quantity"`
		UnitPriceMinor int64  `json:"unit_price_minor"`
	} `json:"lines"`
	TotalMinor    int64  `json:"total_minor"`
	PaymentMethod string `json:"payment_method"`
}

// LineError is a line of input that is not an order.
type LineError struct {
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// maxLine bounds one line of input.
const maxLine = 1 << 20

// Read yields the orders of JSON lines, and a *LineError for each line that is
// none; empty lines are passed over. Any other error is the last.
func Read(r io.Reader) func(yield func(*Order, error) bool) {
	return func(yield func(*Order, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		n := 0
		for lines.Scan() {
			n++
			line := bytes.TrimSpace(lines.Bytes())
			if len(line) == 0 {
				continue
			}
			o, err := parse(line)
			if err != nil {
				err = &LineError{n, err}
			}
			if !yield(o, err) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, fmt.Errorf("line %d: %w", n+1, err))
		}
	}
}

func parse(line []byte) (*Order, error) {
	var o Order
	if err := json.Unmarshal(line, &o); err != nil {
		return nil, fmt.Errorf("not an order in JSON: %w", err)
	}
	total := int64(0)
	for _, l := range o.Lines {
		total += int64(l.Quantity) * l.UnitPriceMinor
	}
	switch {
	case o.OrderID == "":
		return nil, errors.New("no order_id")
	case o.Customer.ID == "":
		return nil, errors.New("no customer.id")
	case len(o.Lines) == 0:
		return nil, errors.New("no lines")
	case total != o.TotalMinor:
		return nil, fmt.Errorf("total_minor is %d, but the lines add up to %d", o.TotalMinor, total)
	}
	return &o, nil
}

// Service publishes orders, and confirms or cancels them as their payments turn out.
type Service struct {
	Producer *producer.Producer
	// Confirmed and Cancelled are told of each order that was settled: the effects.
	Confirmed, Cancelled func(m event.Meta)
}

// Handlers are what the service reacts to.
func (s *Service) Handlers() []consumer.Handler {
	return []consumer.Handler{
		consumer.On(contract.Payments, s.confirm),
		consumer.On(contract.Payments, s.cancel),
	}
}

func (s *Service) confirm(_ context.Context, e event.Event[contract.PaymentAuthorized]) error {
	s.Confirmed(e.Meta)
	return nil
}

func (s *Service) cancel(_ context.Context, e event.Event[contract.PaymentDeclined]) error {
	s.Cancelled(e.Meta)
	return nil
}

// Place publishes an order without waiting for the acknowledgement; done is told
// of it. The event's id is the caller's to give (producer.WithID) when it may
// publish the same order again.
func (s *Service) Place(ctx context.Context, o *Order, done func(event.Meta, error), opts ...producer.Option) error {
	e := &contract.OrderPlaced{
		OrderID:       o.OrderID,
		PlacedAt:      o.PlacedAt,
		Customer:      contract.Customer{ID: o.Customer.ID, Name: o.Customer.Name, Email: o.Customer.Email, Country: o.Customer.Country},
		Currency:      o.Currency,
		TotalMinor:    o.TotalMinor,
		PaymentMethod: o.PaymentMethod,
	}
	for _, l := range o.Lines {
		e.Lines = append(e.Lines, contract.OrderLine{Sku: l.SKU, Name: l.Name, Quantity: l.Quantity, UnitPriceMinor: l.UnitPriceMinor})
	}
	return s.Producer.PublishAsync(ctx, contract.Orders, o.Customer.ID, e, done, opts...)
}
