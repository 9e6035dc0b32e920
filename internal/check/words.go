package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// who says who breaks, given the versions of the other side.
func (p pair) who(versions []string) string {
	switch p.kind {
	case NewReadsOld:
		return fmt.Sprintf("%s cannot read the events of %s that are still in the topic", newConsumers(p.of), enumerate(versions))
	case OldReadsNew:
		return fmt.Sprintf("consumers on %s cannot read %s", enumerate(versions), newEvents(p.of))
	}
	written := "new " + p.new.schema.FullName()
	if p.of != "" {
		written = p.of + " of " + p.new.schema.FullName()
	}
	return fmt.Sprintf("service %s cannot read %s (contract %s)", p.service, written, p.old.show)
}

func newConsumers(of string) string {
	if of != "" {
		return "consumers on " + of
	}
	return "new consumers"
}

func newEvents(of string) string {
	if of != "" {
		return "the events of " + of
	}
	return "new events"
}

// problem says what is wrong.
func (p pair) problem(v schema.Violation) string {
	f := what(v)
	reader, writer := v.Reader.Type, v.Writer.Type
	they, need, expect, know, take, do, their := "old consumers", "need", "expect", "know", "take", "do", "their"
	if p.kind == Contract {
		they, need, expect, know, take, do, their = p.service, "needs", "expects", "knows", "takes", "does", "its"
	}
	backward := p.kind == NewReadsOld
	switch v.Rule {
	case schema.MissingDefault:
		if backward {
			return fmt.Sprintf("%s (%s) is new and has no default: old events have no value for it", f, reader)
		}
		return fmt.Sprintf("%s (%s) is not in new events, but %s %s it: %s schema has no default for it", f, reader, they, need, their)
	case schema.TypeMismatch:
		switch {
		case writer == "null" && backward:
			return fmt.Sprintf("%s could be null and now must be %s: old events may hold null", f, reader)
		case writer == "null":
			return fmt.Sprintf("%s now may be null, but %s %s %s: there is no null in %s schema", f, they, expect, reader, their)
		case backward:
			return fmt.Sprintf("%s was %s and now is %s: the one cannot be read as the other", f, writer, reader)
		}
		return fmt.Sprintf("%s now is %s, but %s %s %s: the one cannot be read as the other", f, writer, they, expect, reader)
	case schema.NameMismatch:
		if backward {
			return fmt.Sprintf("%s is called %s now, and no alias says that they are the same", writer, reader)
		}
		return fmt.Sprintf("what is called %s now is %s where it is read: %s %s no alias for it", writer, reader, they, know)
	case schema.FixedSizeMismatch:
		if backward {
			return fmt.Sprintf("%s was %s and now is %s", f, writer, reader)
		}
		return fmt.Sprintf("%s now is %s, but %s %s %s", f, writer, they, expect, reader)
	case schema.MissingEnumSymbols:
		if backward {
			return fmt.Sprintf("old events may hold %s, which %s no longer has, and it has no default to fall back on", enumerate(v.Missing), reader)
		}
		return fmt.Sprintf("new events may hold %s, which %s %s not know: %s %s has no default to fall back on",
			enumerate(v.Missing), they, do, their, reader)
	case schema.MissingUnionBranch:
		if backward {
			return fmt.Sprintf("old events may hold %s in %s, which now takes only a %s", writer, f, reader)
		}
		return fmt.Sprintf("new events may hold %s in %s, where %s %s only a %s", writer, f, they, take, reader)
	case schema.DecimalMismatch:
		if backward {
			return fmt.Sprintf("%s was %s and now is %s: the same bytes would be another number", f, writer, reader)
		}
		return fmt.Sprintf("%s now is %s, but %s %s %s: the same bytes would be another number", f, writer, they, expect, reader)
	case schema.AmbiguousAlias:
		return "by their names and aliases, several fields fit each other: " + p.claims(v.Missing)
	case schema.NamespaceChanged:
		return fmt.Sprintf("%s is in a union, and its namespace changed (%s is written, %s read): some decoders, Avro Java's too, do not find it then", f, writer, reader)
	case schema.PrecisionLoss:
		return fmt.Sprintf("%s is %s where it is written and %s where it is read: large numbers are rounded", f, writer, reader)
	case schema.LogicalTypeChanged:
		return fmt.Sprintf("%s is %s where it is written and %s where it is read: the same number means something else", f, writer, reader)
	}
	return fmt.Sprintf("%s: %s", f, v.Problem())
}

// claims says which side's fields a violation names.
func (p pair) claims(missing []string) string {
	reader, writer := "old", "new"
	if p.kind == NewReadsOld {
		reader, writer = writer, reader
	}
	return strings.NewReplacer("the reader's ", "the "+reader+" ", "the writer's ", "the "+writer+" ").Replace(enumerate(missing))
}

// what is the thing that a violation is about.
func what(v schema.Violation) string {
	name := last(v.Field)
	if !strings.Contains(v.Path, "/fields/") {
		return "the schema"
	}
	for _, of := range []struct{ suffix, words string }{{"[]", "each item of field "}, {"{}", "each value of field "}} {
		if list, ok := strings.CutSuffix(name, of.suffix); ok {
			return of.words + list
		}
	}
	return "field " + name
}

// last is the last name of a readable path, without losing what stands for items.
func last(field string) string {
	if i := strings.LastIndexByte(field, '.'); i >= 0 {
		return field[i+1:]
	}
	return field
}

const (
	anyOrder = "any order: old and new read each other"
	noOrder  = "no order works"
)

// rollOut says in which order producers and consumers of a change go, and what happens to who is late.
func rollOut(mode schema.Mode, old, new *version, backward, forward []Finding) (deploy, risk string) {
	asked := slices.Clone(backward)
	if wantsForward(mode) {
		asked = append(asked, forward...)
	}
	with, backwardBroken := "", broken(backward)
	if backwardBroken && onlyAliases(asked) {
		with, backwardBroken = "with the alias, ", false
	}
	was, is := old.schema.FullName(), new.schema.FullName()
	switch {
	case !backwardBroken && was != is && was != "" && is != "":
		return with + "all consumers first, then producers",
			fmt.Sprintf("a consumer still on %s has no handler for %s: it passes these events over and only counts them (Stats.Unrouted), without a dead letter", old.label, is)
	case !backwardBroken && !broken(forward):
		return with + anyOrder, ""
	case !backwardBroken:
		return with + "consumers first, then producers", fmt.Sprintf("a consumer still on %s fails%s", old.label, why(forward))
	case !broken(forward):
		return "producers first; consumers only when no old events are left to read, in the topic or to be replayed", ""
	}
	return noOrder, ""
}

// instead says what to do where no order works and no fix is possible.
func (s Subject) instead() string {
	such := fmt.Sprintf(" (such as %s2)", simple(s.Name))
	if s.Unnamed != "" {
		such = ""
	}
	return fmt.Sprintf("If you can't use the fix: publish the changed event under a new name%s, write both until every consumer has moved, then stop the old one.", such)
}

// onlyAliases reports whether an alias repairs each break.
func onlyAliases(findings []Finding) bool {
	return !slices.ContainsFunc(findings, func(f Finding) bool { return !f.Warning && (f.Fix == nil || !f.Fix.alias) })
}

// why says on which events a reader fails.
func why(findings []Finding) string {
	var needs []string
	for _, f := range findings {
		if f.Rule == schema.MissingDefault && strings.Count(f.Path, "/") == 2 {
			needs = append(needs, last(f.Field))
		}
	}
	if len(needs) > 0 {
		return " on every new event: it needs " + enumerate(needs)
	}
	first := slices.IndexFunc(findings, func(f Finding) bool { return !f.Warning })
	return ": " + findings[first].Problem
}

// enumerate lists names as a sentence does.
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// enumerateSome names at most so many, and says how many more there are.
func enumerateSome(names []string, most int) string {
	if len(names) <= most {
		return enumerate(names)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
