package schema

import "slices"

// kind is an Avro type.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindBytes
	kindString
	kindRecord // also what a schema calls "error"
	kindEnum
	kindFixed
	kindArray
	kindMap
	kindUnion
)

func (k kind) String() string {
	return [...]string{"null", "boolean", "int", "long", "float", "double", "bytes", "string",
		"record", "enum", "fixed", "array", "map", "union"}[k]
}

// named reports whether types of that kind have a name.
func (k kind) named() bool { return k == kindRecord || k == kindEnum || k == kindFixed }

var primitives = map[string]kind{
	"null": kindNull, "boolean": kindBoolean, "int": kindInt, "long": kindLong,
	"float": kindFloat, "double": kindDouble, "bytes": kindBytes, "string": kindString,
}

// node is one type of a schema. Types that refer to each other, also to
// themselves, are a graph: a name that is used again is the same *node.
// Nodes are not changed once they are parsed.
type node struct {
	kind     kind
	position Position

	name    string   // the full name of a record, enum or fixed
	aliases []string // full names
	doc     string
	isError bool // a record whose type is "error"

	fields   []*field       // record
	symbols  []string       // enum
	numbers  map[string]int // of the symbols, where they are many
	fallback *string        // an enum's default
	size     int            // fixed
	items    *node          // of an array, or the values of a map
	branches []*node        // union

	logical    logical
	properties []property
}

// fewSymbols is how many symbols are looked through.
const fewSymbols = 32

// symbol returns the number of an enum's symbol, -1 if it has none of that name.
func (n *node) symbol(name string) int {
	if n.numbers == nil {
		return slices.Index(n.symbols, name)
	}
	if i, ok := n.numbers[name]; ok {
		return i
	}
	return -1
}

// field is a field of a record.
type field struct {
	name     string
	position Position
	aliases  []string
	doc      string
	order    string // "" unless it is written down
	typ      *node

	// value is the default when hasDefault. It was checked against typ: it fits at least one
	// branch of a union, and the fields that a record leaves out have defaults. In a stored schema
	// flaw may say why it does not; then it is no default.
	value      jsonValue
	hasDefault bool
	flaw       *ParseError

	properties []property
}

// logical is a logical type that is well formed; its name is "" where there is none.
type logical struct {
	name             string
	precision, scale int // decimal
}

// property is a property that Avro gives no meaning to, such as "pii".
type property struct {
	name  string
	value jsonValue
}

// namespace returns the part of a full name before its last dot.
func namespace(fullName string) string {
	for i := len(fullName) - 1; i >= 0; i-- {
		if fullName[i] == '.' {
			return fullName[:i]
		}
	}
	return ""
}

// simpleName returns the part of a full name behind its last dot.
func simpleName(fullName string) string {
	if ns := namespace(fullName); ns != "" {
		return fullName[len(ns)+1:]
	}
	return fullName
}
