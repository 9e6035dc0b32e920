// Package contract is all that the orders and the stock service know of each
// other: the topics, and the events on them.
package contract

//go:generate go tool avrogen -pkg contract -encoders -fullschema -strict-types -o events_gen.go order_placed.avsc stock_reserved.avsc

// The topics, both keyed by customer: what happens to one customer is handled in
// the order in which it happened.
const (
	Orders = "store.orders"
	Stock  = "store.stock"
)
