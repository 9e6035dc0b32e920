// Package v1 is the first version of an event that evolves, for tests.
package v1

//go:generate go tool avrogen -pkg v1 -encoders -fullschema -strict-types -o events_gen.go parcel_sent.avsc
