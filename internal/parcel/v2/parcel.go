// Package v2 is version 2 of the event: a field and a nested field renamed (with
// aliases), others new, one promoted, fields in another order, an enum symbol more.
package v2

//go:generate go tool avrogen -pkg v2 -encoders -fullschema -strict-types -o events_gen.go parcel_sent.avsc
