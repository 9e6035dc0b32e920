// Package contract is what the shop's services agree on: the topics and the
// events on them. It is all that they know of each other.
package contract

//go:generate go tool avrogen -pkg contract -encoders -fullschema -strict-types -o events_gen.go order_placed.avsc payment_authorized.avsc payment_declined.avsc stock_reserved.avsc

// The topics, each with the events of one service, keyed by customer: what
// happens to one customer is handled in the order in which it happened.
const (
	Orders   = "quickstart.orders"
	Payments = "quickstart.payments"
	Stock    = "quickstart.stock"
)
