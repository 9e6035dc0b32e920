// Package v1 is the first version of the event.
package v1

//go:generate go tool avrogen -pkg v1 -encoders -fullschema -strict-types -o events_gen.go order_placed.avsc
