// Package v3 is version 3 of the event: a union branch more, another promotion, nested
// records, symbols in another order.
package v3

//go:generate go tool avrogen -pkg v3 -encoders -fullschema -strict-types -o events_gen.go parcel_sent.avsc
