package schema

import "strconv"

// branch is a type as a branch of a union, or a type that is none.
type branch struct {
	*node
	step string // of a JSON pointer
}

func branchesOf(n *node) []branch {
	if n.kind != kindUnion {
		return []branch{{n, ""}}
	}
	all := make([]branch, len(n.branches))
	for i, b := range n.branches {
		all[i] = branch{b, "/" + strconv.Itoa(i)}
	}
	return all
}

// unions compares two types of which at least one is a union.
func (d *differ) unions(old, new *node, at *spot) {
	was, is := branchesOf(old), branchesOf(new)
	pairs := matchBranches(was, is)
	matched := make([]bool, len(was))
	common := 0
	for _, o := range pairs {
		if o >= 0 {
			matched[o] = true
			common++
		}
	}
	if old.kind != new.kind {
		d.add(ChangedType, at, side(old), side(new), "%s -> %s", typeText(old), typeText(new))
		if common == 0 {
			return
		}
	}
	var order []int
	for i, b := range is {
		o, name := pairs[i], branchName(new, b.node)
		switch {
		case o >= 0:
			order = append(order, o)
			d.types(was[o].node, b.node, at.in(name, was[o].step, b.step))
		case old.kind == new.kind:
			d.add(AddedBranch, at.in(name, "", b.step), Side{Position: old.position}, side(b.node), "%s", typeText(b.node))
		}
	}
	for i, b := range was {
		if !matched[i] && old.kind == new.kind {
			d.add(RemovedBranch, at.in(branchName(old, b.node), b.step, ""), side(b.node), Side{Position: new.position}, "%s", typeText(b.node))
		}
	}
	if !ascending(order) {
		d.add(ReorderedBranches, at, side(old), side(new), "%s -> %s", typeText(old), typeText(new))
	}
}

// matchBranches finds the old branch of each new one; -1 for none.
func matchBranches(old, new []branch) []int {
	pairs, taken := make([]int, len(new)), make([]bool, len(old))
	for i := range pairs {
		pairs[i] = -1
	}
	for _, same := range []func(old, new *node) bool{
		func(old, new *node) bool { return old.name == new.name },
		func(old, new *node) bool { return contains(new.aliases, old.name) || contains(old.aliases, new.name) },
		func(old, new *node) bool { return simpleName(old.name) == simpleName(new.name) },
	} {
		for i, n := range new {
			for j, o := range old {
				if pairs[i] < 0 && !taken[j] && o.kind == n.kind && same(o.node, n.node) {
					pairs[i], taken[j] = j, true
				}
			}
		}
	}
	return pairs
}

// branchName is the step of a readable path into a branch, "" where there is no choice.
func branchName(union, branch *node) string {
	choices := 0
	for _, b := range union.branches {
		if b.kind != kindNull {
			choices++
		}
	}
	if choices < 2 || branch.kind == kindNull {
		return ""
	}
	return "(" + shortName(branch) + ")"
}
