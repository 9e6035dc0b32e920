package schema

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// Severity says how much a Finding matters.
type Severity string

const (
	// SeverityError is for what does not do what its author meant, or what other Avro libraries refuse.
	SeverityError Severity = "error"
	// SeverityWarning is for what will hurt when the schema has to change, or those who read the data.
	SeverityWarning Severity = "warning"
	// SeverityInfo is for what readers of the schema will miss.
	SeverityInfo Severity = "info"
)

// LintRule names what a Finding is about.
type LintRule string

// The rules of Lint.
const (
	// LintTypeName: a record, enum or fixed whose name is not PascalCase.
	LintTypeName LintRule = "TYPE_NAME"
	// LintFieldName: a field that is neither snake_case nor camelCase, or not what the others are.
	LintFieldName LintRule = "FIELD_NAME"
	// LintSymbolName: an enum symbol that is not UPPER_SNAKE_CASE where most are.
	LintSymbolName LintRule = "SYMBOL_NAME"
	// LintNamespace: a type without a namespace.
	LintNamespace LintRule = "NAMESPACE_MISSING"
	// LintDoc: a named type, or fields, without a doc.
	LintDoc LintRule = "DOC_MISSING"
	// LintEnumDefault: an enum without a default for symbols that are added later.
	LintEnumDefault LintRule = "ENUM_WITHOUT_DEFAULT"
	// LintNullableDefault: a field that may be null and has no default.
	LintNullableDefault LintRule = "NULLABLE_WITHOUT_DEFAULT"
	// LintDefaultBranch: a default of a union that is not a value of its first branch.
	LintDefaultBranch LintRule = "DEFAULT_NOT_FIRST_BRANCH"
	// LintAliasClash: an alias that is the name of another field or type, or an alias of it.
	LintAliasClash LintRule = "ALIAS_CLASH"
	// LintLogicalType: a logical type that Avro ignores.
	LintLogicalType LintRule = "LOGICAL_TYPE_IGNORED"
	// LintAttribute: an attribute that Avro ignores where it stands, or by a slip of the pen.
	LintAttribute LintRule = "ATTRIBUTE_IGNORED"
	// LintMoney: an amount of money as a float or double.
	LintMoney LintRule = "MONEY_AS_FLOAT"
	// LintTime: a time or date as a plain number or text.
	LintTime LintRule = "TIME_WITHOUT_LOGICAL_TYPE"
	// LintPersonal: a field that looks like personal data and is not marked as such.
	LintPersonal LintRule = "PII_UNMARKED"
)

// LintRules are all rules, sorted.
func LintRules() []LintRule { return slices.Sorted(maps.Keys(severities)) }

// Severity is that of the rule's findings.
func (r LintRule) Severity() Severity { return severities[r] }

var severities = map[LintRule]Severity{
	LintTypeName:        SeverityWarning,
	LintFieldName:       SeverityWarning,
	LintSymbolName:      SeverityInfo,
	LintNamespace:       SeverityWarning,
	LintDoc:             SeverityInfo,
	LintEnumDefault:     SeverityWarning,
	LintNullableDefault: SeverityWarning,
	LintDefaultBranch:   SeverityError,
	LintAliasClash:      SeverityError,
	LintLogicalType:     SeverityError,
	LintAttribute:       SeverityError,
	LintMoney:           SeverityWarning,
	LintTime:            SeverityWarning,
	LintPersonal:        SeverityWarning,
}

// LintConfig tunes Lint. The zero value of each field means its default.
type LintConfig struct {
	// Disable are rules that are not looked at.
	Disable []LintRule
	// PersonalProperty is the property of a field or of its type that says whether it is
	// personal data; whatever its value, somebody has thought about it. Defaults to "pii".
	PersonalProperty string
	// PersonalWords are further words in field names that mean personal data, in lower case, such as "nickname".
	PersonalWords []string
}

// Finding is one thing that Lint would have otherwise.
type Finding struct {
	Rule     LintRule
	Severity Severity
	// Field is the place for people, such as "shop.Order.lines[].price".
	Field string
	// Path is the JSON pointer to it.
	Path     string
	Position Position
	// Problem says what is wrong, and Fix what to do about it.
	Problem, Fix string
}

// Lint looks for what is legal and yet will hurt: names, docs, defaults that are missing, what Avro
// silently ignores, money and time in types that can't hold them, unmarked personal
// data. The findings are in the order of the schema; every type is looked at once.
func Lint(s *Schema, cfg LintConfig) []Finding {
	l := &linter{
		cfg:      cfg,
		personal: cmp.Or(cfg.PersonalProperty, "pii"),
		disabled: map[LintRule]bool{},
		seen:     map[*node]bool{},
		words:    map[string]bool{},
	}
	for _, rule := range cfg.Disable {
		l.disabled[rule] = true
	}
	for _, word := range cfg.PersonalWords {
		l.words[word] = true
	}
	l.style(s.root)
	l.typ(s.root, &spot{name: s.describe()})
	l.typeAliases(s.root)
	return l.findings
}

// linter collects the findings of one schema.
type linter struct {
	cfg      LintConfig
	personal string
	words    map[string]bool
	disabled map[LintRule]bool
	seen     map[*node]bool
	snake    bool // most fields whose names tell are snake_case
	findings []Finding
}

// spot is made for two schemas; here the new one is the only one.
func (l *linter) in(at *spot, name, step string) *spot { return at.in(name, "", step) }

func (l *linter) find(rule LintRule, at *spot, position Position, problem, fix string) {
	if l.disabled[rule] {
		return
	}
	l.findings = append(l.findings, Finding{
		Rule: rule, Severity: severities[rule], Field: at.field(), Path: at.newPath(),
		Position: position, Problem: problem, Fix: fix,
	})
}

func (l *linter) typ(n *node, at *spot) {
	if n.kind.named() {
		if l.seen[n] {
			return
		}
		l.seen[n] = true
		l.named(n, at)
	}
	l.attributes(n, at)
	switch n.kind {
	case kindRecord:
		l.fieldAliases(n, at)
		l.docs(n, at)
		for i, f := range n.fields {
			step := "/fields/" + strconv.Itoa(i)
			l.field(n, f, l.in(at, "."+f.name, step))
			l.typ(f.typ, l.in(at, "."+f.name, step+"/type"))
		}
	case kindEnum:
		l.enum(n, at)
	case kindArray:
		l.typ(n.items, l.in(at, "[]", "/items"))
	case kindMap:
		l.typ(n.items, l.in(at, "{}", "/values"))
	case kindUnion:
		name := branchNames(n)
		for i, b := range n.branches {
			l.typ(b, l.in(at, name(b), "/"+strconv.Itoa(i)))
		}
	}
}
