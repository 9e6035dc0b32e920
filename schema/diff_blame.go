package schema

import (
	"errors"
	"slices"
	"strings"
)

// causes says which changes can lead to which violation.
var causes = map[Rule][]ChangeKind{
	NameMismatch:       {ChangedName},
	FixedSizeMismatch:  {ChangedSize},
	MissingEnumSymbols: {AddedSymbols, RemovedSymbols},
	MissingDefault:     {AddedField, RemovedField, RenamedField},
	TypeMismatch:       {ChangedType, AddedBranch, RemovedBranch},
	MissingUnionBranch: {AddedBranch, RemovedBranch, ChangedType, ChangedName},
	DecimalMismatch:    {ChangedLogicalType},
	AmbiguousAlias:     {RenamedField, AddedField, RemovedField, ChangedAliases},
}

// blame hands each violation to the change that led to it.
func (c *Comparison) blame() {
	for _, v := range violations(c.NewReadsOld) {
		if i := c.cause(v, AddedSymbols, func(c *Change) (string, Side, Side) { return c.NewPath, c.Old, c.New }); i >= 0 {
			c.Changes[i].Backward = append(c.Changes[i].Backward, v)
		} else {
			c.Backward = append(c.Backward, v)
		}
	}
	for _, v := range violations(c.OldReadsNew) {
		if i := c.cause(v, RemovedSymbols, func(c *Change) (string, Side, Side) { return c.OldPath, c.New, c.Old }); i >= 0 {
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

// cause returns the change that led to v, -1 for none. as turns a change into the reader's path and the
// sides of writer and reader; harmless is no cause in this direction.
func (c *Comparison) cause(v Violation, harmless ChangeKind, as func(*Change) (path string, writer, reader Side)) int {
	best, most := -1, 0
	for i := range c.Changes {
		change := &c.Changes[i]
		if change.Kind == harmless {
			continue
		}
		path, writer, reader := as(change)
		if score := evidence(v, change.Kind, path, writer, reader); score > most {
			best, most = i, score
		}
	}
	return best
}

// evidence is how much speaks for it that a change led to v; 0 is nothing. The path decides; the
// sides do among several changes in one place, and where a type was first reached on another path.
func evidence(v Violation, kind ChangeKind, path string, writer, reader Side) int {
	var (
		within     = strings.HasPrefix(v.Path, path+"/")
		sameWriter = writer.Type == v.Writer.Type && writer.Position == v.Writer.Position
		sameReader = reader.Type == v.Reader.Type && reader.Position == v.Reader.Position
		certain    = 1 << 20 // more than a path has bytes
	)
	if slices.Contains(causes[v.Rule], kind) {
		switch {
		case path == v.Path && sameWriter:
			return certain + 3
		case path == v.Path && (kind != ChangedName || v.Rule == NameMismatch):
			return certain + 2
		case sameWriter && (sameReader || kind == ChangedName):
			return certain + 1
		case v.Rule == AmbiguousAlias && parentOf(path) == parentOf(v.Path):
			return certain
		}
	}
	// A union that has come or gone makes types meet that did not meet before.
	if (kind == ChangedType || kind == AddedBranch || kind == RemovedBranch) && (within || path == v.Path) {
		return 1 + len(path)
	}
	return 0
}

func parentOf(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }
