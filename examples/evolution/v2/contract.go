// Package v2 is version 2: a field and a symbol more, each with what older and newer readers need.
package v2

//go:generate go tool avrogen -pkg v2 -encoders -fullschema -strict-types -o events_gen.go order_placed.avsc
