// Package v4 is a version of the event that breaks all others.
package v4

//go:generate go tool avrogen -pkg v4 -encoders -fullschema -strict-types -o events_gen.go parcel_sent.avsc
