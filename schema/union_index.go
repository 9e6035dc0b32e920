package schema

// unionIndex finds the branch of a reader's union for a type of the writer.
type unionIndex struct {
	kinds   [kindUnion + 1]int32 // the branch of a type without name, plus 1
	full    map[kindName]int
	similar map[kindName]int // unqualified names, and aliases in full
	choices int              // branches that are not null
}

type kindName struct {
	kind kind
	name string
}

func newUnionIndex(union *node) *unionIndex {
	u := &unionIndex{full: map[kindName]int{}, similar: map[kindName]int{}}
	for i, branch := range union.branches {
		if branch.kind != kindNull {
			u.choices++
		}
		if !branch.kind.named() {
			u.kinds[branch.kind] = int32(i) + 1
			continue
		}
		u.full[kindName{branch.kind, branch.name}] = i
		u.resembles(kindName{branch.kind, "." + simpleName(branch.name)}, i)
		for _, alias := range branch.aliases {
			u.resembles(kindName{branch.kind, alias}, i)
		}
	}
	return u
}

func (u *unionIndex) resembles(n kindName, i int) {
	if _, taken := u.similar[n]; !taken {
		u.similar[n] = i
	}
}

// pick returns the branch that takes values of type w, -1 for none. exact says that
// it is the same type: the same full name, or the same type without name.
func (u *unionIndex) pick(w *node) (branch int, exact bool) {
	if w.kind.named() {
		if i, ok := u.full[kindName{w.kind, w.name}]; ok {
			return i, true
		}
		branch = -1
		for _, name := range []string{"." + simpleName(w.name), w.name} {
			if i, ok := u.similar[kindName{w.kind, name}]; ok && (branch < 0 || i < branch) {
				branch = i
			}
		}
		return branch, false
	}
	if i := u.kinds[w.kind]; i > 0 {
		return int(i) - 1, true
	}
	branch = -1
	for k := kindNull; k < kindRecord; k++ {
		if i := int(u.kinds[k]) - 1; i >= 0 && (branch < 0 || i < branch) {
			if _, ok := promotion(w.kind, k); ok {
				branch = i
			}
		}
	}
	return branch, false
}
