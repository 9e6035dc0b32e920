package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// names are what the field may be called where it is written.
func (f *shapeField) names() []string { return append([]string{f.name}, f.aliases...) }

// fitting are the writer's fields that a reader's field fits by its name and aliases.
func (f *fixing) fitting(field *shapeField) (all []string) {
	for _, name := range field.names() {
		if f.wRecord.field(name) != nil && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// rivals are the reader's other fields that fit a writer's field.
func (f *fixing) rivals(written string) (all []*shapeField) {
	for _, r := range f.rRecord.fields {
		if r != f.field && slices.Contains(r.names(), written) {
			all = append(all, r)
		}
	}
	return all
}

func fieldNames(fields []*shapeField) (all []string) {
	for _, f := range fields {
		all = append(all, f.name)
	}
	return all
}

// readOne makes the candidate's field, whose aliases are ambiguous, read one old field, which no other one reads.
func (f *fixing) readOne() Fix {
	if f.field != nil && f.wRecord != nil {
		switch fits := f.fitting(f.field); len(fits) {
		case 0:
		case 1:
			return f.leave(fits[0])
		default:
			return f.choose(fits)
		}
	}
	return Fix{Words: "let each old field be claimed by one new field only: take an alias away"}
}

// choose makes the field read the first one of several old fields.
func (f *fixing) choose(fits []string) Fix {
	one, others := fits[0], fits[1:]
	words := fmt.Sprintf("old events hold %s%s, and field %s can read one of them: drop the %s %s",
		plural(len(others), "both ", ""), enumerate(fits), f.field.name, plural(len(others), "alias", "aliases"), enumerate(others))
	if one != f.field.name {
		words += fmt.Sprintf(" (or %s instead)", one)
	}
	own := func(name string) bool { return f.rRecord.field(name) != nil }
	if lost := slices.DeleteFunc(slices.Clone(others), own); len(lost) > 0 {
		words += fmt.Sprintf("; to go on reading %s, keep %s", enumerate(lost), plural(len(lost), "it as a field of its own", "them as fields of their own"))
	}
	f.field.dropAliases(others)
	return Fix{Words: words, JSON: brief(f.field.text)}
}

// leave lets an old field, which several fields would read, to that with its name.
func (f *fixing) leave(old string) Fix {
	rivals := f.rivals(old)
	words := fmt.Sprintf("old events hold one %s, and %s would read it: drop the alias %[1]s from ", old, enumerate(append([]string{f.field.name}, fieldNames(rivals)...)))
	drop := f.field
	if old == f.field.name {
		words += enumerate(fieldNames(rivals)) + ", or give this field another name"
		if len(rivals) != 1 {
			return Fix{Words: words}
		}
		drop = rivals[0]
	} else {
		words += "field " + drop.name
	}
	drop.dropAliases([]string{old})
	if zero := zeroOf(drop.typ, map[*shape]bool{}); zero != nil && !drop.hasDefault() {
		drop.text.set("default", zero)
		if drop == f.field {
			words += ", which then needs a default"
		}
	}
	if drop == f.field && f.rRecord.field(old) != nil {
		words += fmt.Sprintf("; or if %s is the renamed %s, give the new field %[2]s another name", drop.name, old)
	}
	return Fix{Words: words, JSON: brief(drop.text)}
}

func (f *shapeField) dropAliases(names []string) {
	kept := slices.DeleteFunc(slices.Clone(f.aliases), func(alias string) bool { return slices.Contains(names, alias) })
	if f.text.remove("aliases"); len(kept) > 0 {
		f.text.set("aliases", stringList(kept))
	}
}

// writeOne makes the candidate write what only one field of a reader's, whose aliases are ambiguous, reads.
func (f *fixing) writeOne() Fix {
	their := "old consumers'"
	if f.kind == Contract {
		their = f.service + "'s"
	}
	general := Fix{Words: fmt.Sprintf("give the new field a name that is no alias of %s fields", their)}
	if f.field == nil || f.wRecord == nil {
		return general
	}
	fits := f.fitting(f.field)
	switch {
	case len(fits) > 1:
		return Fix{Words: fmt.Sprintf("%s field %s reads each of %s, and new events hold %s: write only one of them, and what is new under another name",
			their, f.field.name, enumerate(fits), plural(len(fits)-1, "both", "all"))}
	case len(fits) == 1:
		if back := f.lost(fits[0]); back != nil {
			fields := f.wRecord.text.get("fields")
			written := back.written(f.candidate.known())
			fields.array = append(fields.array, written)
			return Fix{
				Words: fmt.Sprintf("%s fields %s would read the new %s: keep field %s until no consumer needs it",
					their, enumerate(append([]string{f.field.name}, fieldNames(f.rivals(fits[0]))...)), fits[0], back.name),
				JSON: written.String(),
			}
		}
	}
	return general
}

// lost is the only field of the reader's that has what is written as an alias, since it is not written itself; nil if there are several.
func (f *fixing) lost(written string) (found *shapeField) {
	for _, r := range append(f.rivals(written), f.field) {
		if r.name == written || f.wRecord.field(r.name) != nil {
			continue
		}
		if found != nil {
			return nil
		}
		found = r
	}
	return found
}

// keepRenamed takes the alias out of the fix of a renamed field where old consumers or services need the
// old one: to put that back is the fix for them, and beside it the alias would be ambiguous.
func keepRenamed(findings []Finding) {
	needed := map[string]bool{}
	for _, f := range findings {
		if f.Rule == schema.MissingDefault && f.Kind != NewReadsOld && !f.blamed {
			needed[f.Field] = true
		}
	}
	for i, f := range findings {
		if f.Kind != NewReadsOld || f.Fix == nil || f.Fix.was == "" || !needed[strings.TrimSuffix(f.Field, last(f.Field))+f.Fix.was] {
			continue
		}
		findings[i].Fix = &Fix{
			Words: fmt.Sprintf("keep field %s too until nobody needs it (who reads %[1]s knows no alias), and give field %s a default", f.Fix.was, last(f.Field)),
			JSON:  f.Fix.Else.JSON,
		}
	}
}

// shareRenamed offers the alias second where several new fields may be the same old one: only one can have it.
func shareRenamed(findings []Finding) {
	key := func(f Finding) string { return strings.TrimSuffix(f.Field, last(f.Field)) + f.Fix.was }
	claims := map[string][]string{}
	for _, f := range findings {
		if f.Kind == NewReadsOld && f.Fix != nil && f.Fix.was != "" && !slices.Contains(claims[key(f)], last(f.Field)) {
			claims[key(f)] = append(claims[key(f)], last(f.Field))
		}
	}
	for i, f := range findings {
		if f.Kind != NewReadsOld || f.Fix == nil || f.Fix.was == "" || len(claims[key(f)]) == 1 {
			continue
		}
		first, alias := *f.Fix.Else, *f.Fix
		alias.Words += fmt.Sprintf(", as only one of %s can be", enumerate(claims[key(f)]))
		alias.Else, first.Else = nil, &alias
		findings[i].Fix = &first
	}
}
