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
	MissingUnionBranch: {AddedBranch, RemovedBranch, ChangedType},
	DecimalMismatch:    {ChangedLogicalType},
	AmbiguousAlias:     {RenamedField, AddedField, RemovedField, ChangedAliases},
}

// blame hands each violation to the change that led to it.
func (c *Comparison) blame() {
	for _, v := range violations(c.NewReadsOld) {
		if i := c.cause(v, func(c *Change) (string, Side, Side) { return c.NewPath, c.Old, c.New }); i >= 0 {
			c.Changes[i].Backward = append(c.Changes[i].Backward, v)
		} else {
			c.Backward = append(c.Backward, v)
		}
	}
	for _, v := range violations(c.OldReadsNew) {
		if i := c.cause(v, func(c *Change) (string, Side, Side) { return c.OldPath, c.New, c.Old }); i >= 0 {
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

// cause returns the change that led to v, -1 for none. as turns a change into the
// reader's path and the sides of writer and reader. The path decides; the positions do among several
// changes in one place, and where a type was first reached on another path.
func (c *Comparison) cause(v Violation, as func(*Change) (path string, writer, reader Side)) int {
	best, bestScore := -1, 0
	for i := range c.Changes {
		change := &c.Changes[i]
		if !slices.Contains(causes[v.Rule], change.Kind) {
			continue
		}
		path, writer, reader := as(change)
		score := 0
		switch {
		case path == v.Path:
			score = 8
		case change.Kind == ChangedType && strings.HasPrefix(v.Path, path+"/"):
			score = 2
		}
		if writer.Type == v.Writer.Type && writer.Position == v.Writer.Position {
			score += 3
		}
		if reader.Type == v.Reader.Type && reader.Position == v.Reader.Position {
			score += 3
		}
		if score > bestScore && score != 3 { // one side alone is no proof
			best, bestScore = i, score
		}
	}
	return best
}
