// Package shop is the small domain that the tests of several rooms share: two
// events of an order.
package shop

//go:generate go tool avrogen -pkg shop -encoders -fullschema -strict-types -o events_gen.go order_placed.avsc order_cancelled.avsc
