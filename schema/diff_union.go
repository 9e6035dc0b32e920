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
	oldName, newName := branchNames(old), branchNames(new)
	var order []int
	for i, b := range is {
		o, name := pairs[i], newName(b.node)
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
			d.add(RemovedBranch, at.in(oldName(b.node), b.step, ""), side(b.node), Side{Position: new.position}, "%s", typeText(b.node))
		}
	}
	if !ascending(order) {
		d.add(ReorderedBranches, at, side(old), side(new), "%s -> %s", typeText(old), typeText(new))
	}
}

// matchBranches finds the old branch of each new one: that of the same full name or type, then one with
// an alias, then one with the same unqualified name; -1 for none.
func matchBranches(old, new []branch) []int {
	full, aliased, simple := map[kindName]int{}, map[kindName]int{}, map[kindName][]int{}
	for i, b := range old {
		full[kindName{b.kind, b.name}] = i
		simple[kindName{b.kind, simpleName(b.name)}] = append(simple[kindName{b.kind, simpleName(b.name)}], i)
		for _, alias := range b.aliases {
			aliased[kindName{b.kind, alias}] = i
		}
	}
	pairs, taken := make([]int, len(new)), make([]bool, len(old))
	for i := range pairs {
		pairs[i] = -1
	}
	claim := func(i, o int, ok bool) {
		if ok && pairs[i] < 0 && !taken[o] {
			pairs[i], taken[o] = o, true
		}
	}
	for i, b := range new {
		o, ok := full[kindName{b.kind, b.name}]
		claim(i, o, ok)
	}
	for i, b := range new {
		for _, alias := range b.aliases {
			o, ok := full[kindName{b.kind, alias}]
			claim(i, o, ok)
		}
		o, ok := aliased[kindName{b.kind, b.name}]
		claim(i, o, ok)
	}
	for i, b := range new {
		name := kindName{b.kind, simpleName(b.name)}
		for pairs[i] < 0 && len(simple[name]) > 0 {
			claim(i, simple[name][0], true)
			simple[name] = simple[name][1:]
		}
	}
	return pairs
}

// branchNames gives the step of a readable path into a branch of a union: "" where there is no choice.
func branchNames(union *node) func(branch *node) string {
	choices := 0
	for _, b := range union.branches {
		if b.kind != kindNull {
			choices++
		}
	}
	return func(branch *node) string {
		if choices < 2 || branch.kind == kindNull {
			return ""
		}
		return "(" + shortName(branch) + ")"
	}
}
