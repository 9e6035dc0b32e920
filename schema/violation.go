package schema

import (
	"fmt"
	"strings"
)

// Rule names what a Violation breaks, or warns of. The first six are Avro Java's names for it.
type Rule string

// What makes data of the writer unreadable for the reader.
const (
	// NameMismatch: a record, enum or fixed has another name, and no alias of the reader's says so.
	NameMismatch Rule = "NAME_MISMATCH"
	// FixedSizeMismatch: two fixed of different size.
	FixedSizeMismatch Rule = "FIXED_SIZE_MISMATCH"
	// MissingEnumSymbols: the reader's enum lacks symbols of the writer's and has no default.
	MissingEnumSymbols Rule = "MISSING_ENUM_SYMBOLS"
	// MissingDefault: the reader has a field that the writer lacks, and no default for it.
	MissingDefault Rule = "READER_FIELD_MISSING_DEFAULT_VALUE"
	// TypeMismatch: the one type is not the other's, and nothing promotes it.
	TypeMismatch Rule = "TYPE_MISMATCH"
	// MissingUnionBranch: the reader's union has no branch for a type that the writer may write.
	MissingUnionBranch Rule = "MISSING_UNION_BRANCH"
	// DecimalMismatch: two decimals of different precision or scale. With another scale the same bytes would be
	// another number; Avro wants the same precision too, and other libraries refuse or cut what has not.
	DecimalMismatch Rule = "DECIMAL_MISMATCH"
	// AmbiguousAlias: two fields of the reader claim one of the writer's, or one claims two.
	AmbiguousAlias Rule = "AMBIGUOUS_ALIAS"
)

// What can be read by us, but deserves a look.
const (
	// NamespaceChanged: an enum or fixed in a union has another namespace: Avro Java's decoder does not find it.
	NamespaceChanged Rule = "UNION_NAMESPACE_CHANGED"
	// PrecisionLoss: a promotion that may round, such as long to float.
	PrecisionLoss Rule = "PRECISION_LOSS"
	// LogicalTypeChanged: the same numbers mean something else, such as milliseconds and microseconds.
	LogicalTypeChanged Rule = "LOGICAL_TYPE_CHANGED"
)

// Warning reports whether a rule does not keep data from being read.
func (r Rule) Warning() bool {
	return r == NamespaceChanged || r == PrecisionLoss || r == LogicalTypeChanged
}

// Violation is one place where a reader's schema does not fit a writer's, or one to look at.
type Violation struct {
	Rule Rule
	// Path is the JSON pointer (RFC 6901) of the place in the reader's schema, such as
	// "/fields/2/type/items", "" for the whole. It goes on through types that are
	// written as a name there. A type that is reached in several ways is reported once, on the first.
	Path string
	// Field is the same place for people, such as "shop.Order.lines[].price".
	Field string
	// Writer and Reader are what the two schemas have there.
	Writer, Reader Side
	// Missing are the symbols that the reader's enum lacks, or the fields that are claimed twice.
	Missing []string
}

// Side is what one of the two schemas has in the place of a Violation.
type Side struct {
	// Type is the type in short: "long", "array of string", "enum shop.Color", "union of null and
	// string", "bytes decimal(10, 2)". It is "" when this side has nothing there.
	Type string
	// Position is where that is written, or for a field that this side lacks, where its record is.
	Position Position
}

// String is the Violation in one line, with its rule and places.
func (v Violation) String() string {
	at := v.Field
	if v.Path != "" {
		at += " (" + v.Path + ")"
	}
	return fmt.Sprintf("%s at %s: %s", v.Rule, at, v.Problem())
}

// Problem says in words what is wrong.
func (v Violation) Problem() string {
	switch v.Rule {
	case NameMismatch:
		return fmt.Sprintf("the writer has %s, the reader %s, which has no alias for it", v.Writer.Type, v.Reader.Type)
	case FixedSizeMismatch:
		return fmt.Sprintf("the writer has %s, the reader %s", v.Writer.Type, v.Reader.Type)
	case MissingEnumSymbols:
		return fmt.Sprintf("the writer may write %s, which the reader's enum lacks, and it has no default", list(v.Missing))
	case MissingDefault:
		return fmt.Sprintf("the writer has no such field, and the reader (%s) has no default for it", v.Reader.Type)
	case MissingUnionBranch:
		return fmt.Sprintf("the writer may write %s, which the reader (%s) lacks", v.Writer.Type, v.Reader.Type)
	case DecimalMismatch:
		why := "the same bytes would be another number"
		if scaleOf(v.Writer.Type) == scaleOf(v.Reader.Type) {
			why = "the scale is the same, but decimals must have the same precision too (Avro): other libraries refuse or cut such values"
		}
		return fmt.Sprintf("the writer has %s, the reader %s: %s", v.Writer.Type, v.Reader.Type, why)
	case AmbiguousAlias:
		return fmt.Sprintf("by their names and aliases, several fields fit each other here: %s", list(v.Missing))
	case NamespaceChanged:
		return fmt.Sprintf("the writer has %s, the reader %s: some decoders, Avro Java's too, look for the full name in a union", v.Writer.Type, v.Reader.Type)
	case PrecisionLoss:
		return fmt.Sprintf("the writer has %s, the reader %s: large numbers are rounded", v.Writer.Type, v.Reader.Type)
	case LogicalTypeChanged:
		return fmt.Sprintf("the writer has %s, the reader %s: the same number means something else", v.Writer.Type, v.Reader.Type)
	}
	return fmt.Sprintf("the writer has %s, the reader %s", v.Writer.Type, v.Reader.Type)
}

// scaleOf returns the scale in what typeText says of a decimal: "bytes decimal(10, 2)".
func scaleOf(decimal string) string { return decimal[strings.LastIndexByte(decimal, ',')+1:] }

func list(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = tail(name)
	}
	return strings.Join(all, ", ")
}
