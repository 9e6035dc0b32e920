// Package shop is the small domain that the tests of several rooms share: two
// events of an order.
package shop

//go:generate go run github.com/hamba/avro/v2/cmd/avrogen -pkg shop -encoders -fullschema -strict-types -o events_gen.go order_placed.avsc order_cancelled.avsc
