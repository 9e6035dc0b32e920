// Package schema is Avro: it parses schemas, brings them into canonical form,
// encodes and decodes records, and talks to schema registries.
package schema

// Schema is a parsed Avro schema. It is immutable and safe for concurrent use.
type Schema struct{}

// Parse parses an Avro schema (Avro 1.12 specification). refs are schemas whose
// named types text may use.
func Parse(text string, refs ...*Schema) (*Schema, error) { panic("not built yet") }

// FullName returns the full name of a named schema, "" for others.
func (s *Schema) FullName() string { panic("not built yet") }

// Canonical returns the Parsing Canonical Form.
func (s *Schema) Canonical() string { panic("not built yet") }

// String returns the schema's JSON: complete (docs, defaults, aliases, logical types), self-contained, in a stable form.
func (s *Schema) String() string { panic("not built yet") }

// Equal reports whether data written with one reads the same with the other
// without resolution: equal canonical forms and equal logical types.
func (s *Schema) Equal(o *Schema) bool { panic("not built yet") }
