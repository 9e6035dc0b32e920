package schema

import "fmt"

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

// MismatchError says that data of the writer's schema cannot be read as the
// reader's type. It is definite for this pair of schemas.
type MismatchError struct {
	// Schema names the writer's schema in the registry, such as "41".
	Schema string
	// Writer is what the registry holds; nil if that is not Avro.
	Writer *Schema
	Reader *Schema
	// Err says why; it may be nil.
	Err error
}

func (e *MismatchError) Error() string {
	reader := e.Reader.FullName()
	switch {
	case e.Writer == nil:
		return fmt.Sprintf("read schema %s as %s: %v", e.Schema, reader, e.Err)
	case e.Writer.FullName() != reader:
		name := e.Writer.FullName()
		if name == "" {
			name = "a " + e.Writer.root.kind.String()
		}
		return fmt.Sprintf("read schema %s as %s: it is the schema of %s", e.Schema, reader, name)
	case e.Err != nil:
		return fmt.Sprintf("read schema %s as %s: %v", e.Schema, reader, e.Err)
	}
	return fmt.Sprintf("read schema %s as %s: the two schemas of %s differ (fingerprints %016x and %016x), and the one cannot be resolved to the other",
		e.Schema, reader, reader, e.Writer.Rabin(), e.Reader.Rabin())
}

func (e *MismatchError) Unwrap() error { return e.Err }
