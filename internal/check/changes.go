package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// MaybeRenamed is the Rule of a warning: a field with a default is new where one of the same type is gone.
const MaybeRenamed schema.Rule = "FIELD_MAYBE_RENAMED"

// DefaultRemoved is the Rule of a warning: a field lost its default.
const DefaultRemoved schema.Rule = "DEFAULT_REMOVED"

// note adds to a subject what is different from its last version, and returns the warnings that only this difference tells.
func (s *Subject) note(old, new *version, of string, backward, forward []Finding) (warnings []Finding, changed bool) {
	p := pair{old: old, new: new, kind: NewReadsOld, of: of}
	compared := schema.Compare(old.schema, new.schema)
	changes := slices.DeleteFunc(compared.Changes, func(c schema.Change) bool { return c.Kind == schema.ChangedDoc })
	if len(changes) == 0 && old.schema.Equal(new.schema) && len(backward)+len(forward) == 0 {
		return nil, false
	}
	s.Changed = true
	for _, c := range changes {
		if words := changeWords(c); !slices.Contains(s.Changes, words) { // it may have several histories
			s.Changes = append(s.Changes, words)
		}
	}
	return slices.Concat(p.maybeRenamed(changes, wantsBackward(s.Mode)), p.lostDefaults(changes, backward, s.Mode)), true
}

// changeWords is a change in a few words.
func changeWords(c schema.Change) string {
	name := last(c.Field)
	switch c.Kind {
	case schema.AddedField:
		return fmt.Sprintf("%s (%s) added", name, bracketed(c.New.Type))
	case schema.RemovedField:
		return fmt.Sprintf("%s (%s) removed", name, bracketed(c.Old.Type))
	case schema.RenamedField:
		names, _, _ := strings.Cut(c.Detail, ";")
		return "renamed " + names
	case schema.ChangedType:
		return fmt.Sprintf("%s %s", name, c.Detail)
	case schema.ChangedName:
		names, _, _ := strings.Cut(c.Detail, ",")
		return "renamed " + names
	}
	if c.Detail == "" {
		return fmt.Sprintf("%s: %s", name, c.Kind)
	}
	return fmt.Sprintf("%s: %s (%s)", name, c.Kind, c.Detail)
}

// bracketed makes a union's type shorter.
func bracketed(typ string) string {
	branches, ok := strings.CutPrefix(typ, "union of ")
	if !ok {
		return typ
	}
	return "[" + strings.NewReplacer(", ", ",", " and ", ",").Replace(branches) + "]"
}

// mostChanges is how many changes are told in a line.
const mostChanges = 3

// changed is what changed, in one line.
func (s Subject) changed() string {
	if n := len(s.Changes) - mostChanges; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(s.Changes[:mostChanges], ", "), n)
	}
	return strings.Join(s.Changes, ", ")
}

// maybeRenamed warns of fields that may be old ones under a new name: with their defaults they can be read, and read as nothing.
func (p pair) maybeRenamed(changes []schema.Change, backward bool) (all []Finding) {
	type key struct{ record, typ string }
	added, gone := map[key][]schema.Change{}, map[key][]string{}
	candidate := p.new.document()
	for _, c := range changes {
		if c.Kind == schema.RemovedField {
			k := key{recordOf(c.OldPath), c.Old.Type}
			gone[k] = append(gone[k], last(c.Field))
		}
	}
	var order []key
	for _, c := range changes {
		if c.Kind != schema.AddedField {
			continue
		}
		k := key{c.OldPath, c.New.Type}
		f := candidate.fieldAt(c.NewPath)
		if f == nil || !f.hasDefault() || len(gone[k]) == 0 {
			continue
		}
		if added[k] == nil {
			order = append(order, k)
		}
		added[k] = append(added[k], c)
	}
	for _, k := range order {
		all = append(all, p.maybe(added[k], gone[k], candidate, backward))
	}
	return all
}

// recordOf is the pointer of the record that a field is in.
func recordOf(path string) string { return path[:max(0, strings.LastIndex(path, "/fields/"))] }

func (p pair) maybe(added []schema.Change, gone []string, candidate *document, backward bool) Finding {
	var names []string
	for _, c := range added {
		names = append(names, last(c.Field))
	}
	f := p.warning(MaybeRenamed, added[0])
	field := candidate.fieldAt(added[0].NewPath)
	said := fmt.Sprintf("%s %s new and %s %s gone, %s %s", enumerate(names), plural(len(names), "is", "are"), enumerate(gone),
		plural(len(gone), "is", "are"), plural(len(names)+len(gone)-1, "both", "all"), plainType(field, added[0].New.Type))
	pronoun, from := "it was", gone[0]
	if len(names)+len(gone) > 2 {
		pronoun, from = "some were", enumerate(gone)
	}
	f.Problem = fmt.Sprintf("%s: if %s renamed, values of %s become %s (the default)", said, pronoun, from, field.text.get("default"))
	if !backward { // nobody asks about new consumers, but old ones lose the values as well
		f.Kind = OldReadsNew
	}
	if len(names)+len(gone) > 2 {
		f.Fix = &Fix{Words: `give a field that was renamed its old name as an alias: "aliases": ["..."]`}
		return f
	}
	renamed := field.text.copy()
	renamed.set("aliases", stringList(append(slices.Clone(field.aliases), gone[0])))
	f.Fix = &Fix{Words: fmt.Sprintf(`add "aliases": [%q], if it was renamed`, gone[0]), JSON: brief(renamed), alias: true}
	return f
}

// plainType is a field's type as it is written, if that is short.
func plainType(f *shapeField, words string) string {
	if written := f.text.get("type"); !defines(written) && len(written.String()) < 40 {
		return strings.NewReplacer(`"`, "", ", ", ",").Replace(written.String())
	}
	return words
}

// lostDefaults warns of fields that have no default any more. Where older versions lack the field, that breaks.
func (p pair) lostDefaults(changes []schema.Change, backward []Finding, mode schema.Mode) (all []Finding) {
	if !wantsBackward(mode) {
		return nil
	}
	was, is := p.old.document(), p.new.document()
	for _, c := range changes {
		if c.Kind != schema.ChangedDefault {
			continue
		}
		old, now := was.fieldAt(c.OldPath), is.fieldAt(c.NewPath)
		broken := slices.ContainsFunc(backward, func(f Finding) bool { return strings.HasPrefix(f.Path, c.NewPath) && !f.Warning })
		if old == nil || now == nil || now.hasDefault() || broken {
			continue
		}
		f := p.warning(DefaultRemoved, c)
		f.Problem = fmt.Sprintf("%s lost its default: events from before the field existed can no longer be read", now.name)
		kept := now.text.copy()
		kept.set("default", old.text.get("default"))
		f.Fix = &Fix{Words: "keep the default", JSON: brief(kept)}
		all = append(all, f)
	}
	return all
}

func (p pair) warning(rule schema.Rule, c schema.Change) Finding {
	f := p.finding(schema.Violation{Rule: rule, Path: c.NewPath, Field: c.Field, Reader: c.New, Writer: c.Old})
	f.Warning = true
	return f
}

// fieldAt finds the field that a JSON pointer ends at or in, nil if there is none.
func (d *document) fieldAt(pointer string) (found *shapeField) {
	at := d.root
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for len(steps) > 0 && steps[0] != "" && at != nil {
		n := -1
		if len(steps) > 1 {
			n, _ = strconv.Atoi(steps[1])
		}
		switch branch, err := strconv.Atoi(steps[0]); {
		case steps[0] == "fields" && n >= 0 && n < len(at.fields):
			found, steps = at.fields[n], steps[2:]
			at = found.typ
		case steps[0] == "type":
			steps = steps[1:]
		case steps[0] == "items", steps[0] == "values":
			at, steps = at.items, steps[1:]
		case err == nil && branch < len(at.branches):
			at, steps = at.branches[branch], steps[1:]
		default:
			return nil
		}
	}
	return found
}
