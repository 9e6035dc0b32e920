package schema

import (
	"fmt"
	"strings"
)

// path returns the JSON pointer to m in the reader's schema, and on from there.
func (m *match) path(on string) string {
	return m.climb(on, func(m *match) string { return m.pointer })
}

// field returns the readable path to m, and on from there.
func (m *match) field(on string) string {
	return m.climb(tail(on), func(m *match) string { return tail(m.name) })
}

// maxName is how much of a name is shown.
const maxName = 300

// tail returns the end of a name that is longer than anybody reads.
func tail(name string) string {
	if len(name) > maxName {
		return "..." + name[len(name)-maxName:]
	}
	return name
}

func (m *match) climb(on string, step func(*match) string) string {
	length := len(on)
	var steps []string
	for ; m != nil; m = m.parent {
		if len(steps) == maxClimb || length > maxClimbed {
			steps = append(steps, "...")
			break
		}
		s := step(m)
		steps = append(steps, s)
		length += len(s)
	}
	var b strings.Builder
	b.Grow(length)
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteString(steps[i])
	}
	b.WriteString(on)
	return b.String()
}

// maxClimb is how many steps of a path are shown: the last ones.
const maxClimb = 1000

// maxClimbed is about how many bytes of a path are shown.
const maxClimbed = 32 << 10

func side(n *node) Side { return Side{Type: typeText(n), Position: n.position} }

// typeText is a type in short, for people.
func typeText(n *node) string { return shortType(n, 3) }

func shortType(n *node, depth int) string {
	switch n.kind {
	case kindRecord, kindEnum:
		return n.kind.String() + " " + tail(n.name)
	case kindFixed:
		return fmt.Sprintf("fixed %s of %s%s", tail(n.name), quantity(int64(n.size), "byte"), logicalText(n))
	case kindArray, kindMap:
		if depth == 0 {
			return n.kind.String()
		}
		return n.kind.String() + " of " + shortType(n.items, depth-1)
	case kindUnion:
		if depth == 0 {
			return "union"
		}
		return unionText(n, depth)
	}
	return n.kind.String() + logicalText(n)
}

// maxShown is how many branches of a union are named.
const maxShown = 6

func unionText(n *node, depth int) string {
	var names []string
	for i, branch := range n.branches {
		if i == maxShown {
			names = append(names, fmt.Sprintf("%d more", len(n.branches)-i))
			break
		}
		names = append(names, shortType(branch, depth-1))
	}
	switch len(names) {
	case 0:
		return "union of nothing"
	case 1:
		return "union of " + names[0]
	}
	last := len(names) - 1
	return "union of " + strings.Join(names[:last], ", ") + " and " + names[last]
}

func logicalText(n *node) string {
	switch n.logical.name {
	case "":
		return ""
	case "decimal":
		return fmt.Sprintf(" decimal(%d, %d)", n.logical.precision, n.logical.scale)
	}
	return " " + n.logical.name
}

// shortName tells a branch of a union from the others.
func shortName(n *node) string {
	if n.kind.named() {
		return tail(simpleName(n.name))
	}
	return n.kind.String()
}
