// Package renamed is the event of package v1 under a new name, with an alias for the old one.
package renamed

//go:generate go tool avrogen -pkg renamed -encoders -fullschema -strict-types -o events_gen.go parcel_shipped.avsc
