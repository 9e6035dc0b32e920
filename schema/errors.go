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
