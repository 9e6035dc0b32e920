package schema

import (
	"errors"
	"strings"
)

// causes says which changes can lead to which violation.
var causes = map[Rule][]ChangeKind{
	NameMismatch:       {ChangedName},
	FixedSizeMismatch:  {ChangedSize},
	MissingEnumSymbols: {AddedSymbols, RemovedSymbols},
	MissingDefault:     {AddedField, RemovedField, RenamedField},
	TypeMismatch:       {ChangedType, AddedBranch, RemovedBranch},
	MissingUnionBranch: {AddedBranch, RemovedBranch, ChangedType},
	DecimalMismatch:    {ChangedLogicalType},
	AmbiguousAlias:     {RenamedField, AddedField, RemovedField, ChangedAliases},
}

// blame hands each violation to the change that led to it.
func (c *Comparison) blame() {
	backward := c.clues(AddedSymbols, func(c *Change) (string, Side, Side) { return c.NewPath, c.Old, c.New })
	for _, v := range violations(c.NewReadsOld) {
		if i := backward.cause(v); i >= 0 {
			c.Changes[i].Backward = append(c.Changes[i].Backward, v)
		} else {
			c.Backward = append(c.Backward, v)
		}
	}
	forward := c.clues(RemovedSymbols, func(c *Change) (string, Side, Side) { return c.OldPath, c.New, c.Old })
	for _, v := range violations(c.OldReadsNew) {
		if i := forward.cause(v); i >= 0 {
			c.Changes[i].Forward = append(c.Changes[i].Forward, v)
		} else {
			c.Forward = append(c.Forward, v)
		}
	}
}

func violations(err error) []Violation {
	var mismatch *MismatchError
	if errors.As(err, &mismatch) {
		return mismatch.Violations
	}
	return nil
}

// clue is what a violation may have in common with a change; what does not count is empty.
type clue struct {
	kind           ChangeKind
	path, within   string // of the reader's schema
	writer, reader Side
}

// clues find the first change that has something in common with a violation.
type clues map[clue]int

// clues indexes the changes for one direction. as turns a change into the reader's path and the sides
// of writer and reader; harmless is no cause in this direction.
func (c *Comparison) clues(harmless ChangeKind, as func(*Change) (path string, writer, reader Side)) clues {
	found := clues{}
	for i := range c.Changes {
		kind := c.Changes[i].Kind
		if kind == harmless {
			continue
		}
		path, writer, reader := as(&c.Changes[i])
		for _, common := range []clue{
			{kind: kind, path: path, writer: writer},
			{kind: kind, path: path},
			{kind: kind, writer: writer, reader: reader},
			{kind: kind, writer: writer},
			{kind: kind, within: parentOf(path)},
		} {
			if _, known := found[common]; !known {
				found[common] = i
			}
		}
	}
	return found
}

// first returns the first change of those kinds with something in common, -1 for none.
func (c clues) first(kinds []ChangeKind, common clue) int {
	best := -1
	for _, kind := range kinds {
		common.kind = kind
		if i, ok := c[common]; ok && (best < 0 || i < best) {
			best = i
		}
	}
	return best
}

// cause returns the change that led to v, -1 for none. The path decides; the sides do among
// several changes in one place, and where a type was first reached on another path.
func (c clues) cause(v Violation) int {
	kinds := causes[v.Rule]
	common := []clue{{path: v.Path, writer: v.Writer}, {path: v.Path}, {writer: v.Writer, reader: v.Reader}}
	if v.Rule == AmbiguousAlias {
		common = append(common, clue{within: parentOf(v.Path)})
	}
	for _, common := range common {
		if i := c.first(kinds, common); i >= 0 {
			return i
		}
	}
	if v.Rule == MissingUnionBranch {
		if i := c.first([]ChangeKind{ChangedName}, clue{writer: v.Writer}); i >= 0 {
			return i
		}
	}
	// A union that has come or gone makes types meet that did not meet before.
	meeting := []ChangeKind{ChangedType, AddedBranch, RemovedBranch}
	for path := v.Path; ; path = parentOf(path) {
		if i := c.first(meeting, clue{path: path}); i >= 0 || path == "" {
			return i
		}
	}
}

func parentOf(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }
