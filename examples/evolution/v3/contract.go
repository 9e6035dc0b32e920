// Package v3 is a version that its author would like to publish, and can't.
package v3

//go:generate go tool avrogen -pkg v3 -encoders -fullschema -strict-types -o events_gen.go order_placed.avsc
