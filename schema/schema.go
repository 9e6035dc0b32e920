// Package schema is Avro: it parses schemas, brings them into canonical form,
// encodes and decodes records, and talks to schema registries.
package schema

import (
	"slices"
	"sync"
)

// Schema is a parsed Avro schema. It is immutable and safe for concurrent use.
type Schema struct {
	root      *node
	canonical func() string
	identity  func() string
	text      func() string
	walk      func() *program
}

func newSchema(root *node) *Schema {
	return &Schema{
		root:      root,
		canonical: sync.OnceValue(func() string { return string(canonicalForm.append(nil, root, map[*node]bool{})) }),
		identity:  sync.OnceValue(func() string { return identity(root) }),
		text:      sync.OnceValue(func() string { return string(formatter{map[*node]bool{}}.format(nil, root, "")) }),
		walk:      sync.OnceValue(func() *program { return compile(root) }),
	}
}

// FullName returns the full name of a named schema, "" for others.
func (s *Schema) FullName() string { return s.root.name }

// Aliases returns the full names of the aliases of a named schema.
func (s *Schema) Aliases() []string { return slices.Clone(s.root.aliases) }

// Canonical returns the Parsing Canonical Form. It drops logical types: two
// schemas with equal canonical forms need not be Equal.
func (s *Schema) Canonical() string { return s.canonical() }

// String returns the schema's JSON: complete (docs, defaults, aliases, logical
// types, properties of one's own), self-contained, in a stable form that
// parses to an equal schema.
func (s *Schema) String() string { return s.text() }

// Equal reports whether data written with one reads the same with the other
// without resolution: equal canonical forms and equal logical types. Docs,
// defaults, aliases and the like make no difference.
func (s *Schema) Equal(o *Schema) bool {
	return s == o || s.identity() == o.identity()
}

// namedTypes returns the named types that n is made of, in the order in which they first occur.
func (n *node) namedTypes() (all []*node) {
	seen := map[*node]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if n.kind.named() {
			if seen[n] {
				return
			}
			seen[n] = true
			all = append(all, n)
		}
		for _, f := range n.fields {
			visit(f.typ)
		}
		for _, branch := range n.branches {
			visit(branch)
		}
		if n.items != nil {
			visit(n.items)
		}
	}
	visit(n)
	return all
}
