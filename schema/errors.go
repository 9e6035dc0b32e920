package schema

import (
	"fmt"
	"strings"
)

// ParseError is what is wrong with a schema, and where.
type ParseError struct {
	Position
	// Path is the JSON pointer (RFC 6901) of the value that is wrong, such as "/fields/2/type"; "" is the whole text.
	Path    string
	Problem string
}

func (e *ParseError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("avro schema %s: %s", e.Position, e.Problem)
	}
	return fmt.Sprintf("avro schema %s (%s): %s", e.Position, e.Path, e.Problem)
}

// DataError says that bytes are not a value of the schema that they were
// written with, or ask for more than the Limits allow. They will never be:
// trying again does not help.
type DataError struct {
	// Type is the full name of the writer's schema, or its type where it has no name.
	Type string
	// Offset is where in the bytes it was noticed.
	Offset int
	// Path is what was read there, such as "shop.Order.lines[].price", "" if that is not known.
	Path    string
	Problem string
}

func (e *DataError) Error() string {
	if e.Path == "" || e.Path == e.Type {
		return fmt.Sprintf("%s: byte %d: %s", e.Type, e.Offset, e.Problem)
	}
	return fmt.Sprintf("%s: byte %d: %s: %s", e.Type, e.Offset, e.Path, e.Problem)
}

// MismatchError says that data of the writer's schema cannot be read with the
// reader's. It is definite for this pair of schemas.
type MismatchError struct {
	// Schema names the writer's schema in the registry, such as "41"; "" where there is none.
	Schema string
	// Writer is nil if what the registry holds is not Avro.
	Writer *Schema
	Reader *Schema
	// Violations are all reasons, in the order of the reader's schema. There is none where Err says it.
	Violations []Violation
	// More is the number of further violations: the first 10,000 are named.
	More int
	// Err says why there are no Violations to name; it may be nil.
	Err error
}

func (e *MismatchError) Error() string {
	var b strings.Builder
	b.WriteString("read ")
	switch {
	case e.Schema != "":
		b.WriteString("schema " + e.Schema)
	case e.Writer != nil:
		b.WriteString(e.Writer.describe())
	}
	fmt.Fprintf(&b, " as %s: ", e.Reader.describe())
	switch {
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	case len(e.Violations) == 1:
		b.WriteString(e.Violations[0].String())
	default:
		fmt.Fprintf(&b, "%d violations", len(e.Violations)+e.More)
		for i, v := range e.Violations {
			fmt.Fprintf(&b, "; (%d) %s", i+1, v)
		}
	}
	return b.String()
}

func (e *MismatchError) Unwrap() error { return e.Err }

// describe is the schema's name, or its type where it has none.
func (s *Schema) describe() string {
	if s.root.name != "" {
		return s.root.name
	}
	return s.root.kind.String()
}
