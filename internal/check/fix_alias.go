package check

import (
	"fmt"
	"slices"
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
	if f.field == nil || f.wRecord == nil {
		return Fix{Words: "let each old field be claimed by one new field only: take an alias away"}
	}
	fits := f.fitting(f.field)
	if len(fits) == 0 {
		return Fix{Words: "let each old field be claimed by one new field only: take an alias away"}
	}
	if len(fits) > 1 {
		one, others := fits[0], fits[1:]
		f.dropAliases(f.field, others)
		words := fmt.Sprintf("old events hold %s%s, and field %s can read one of them: drop the %s %s",
			plural(len(others), "both ", ""), enumerate(fits), f.field.name, plural(len(others), "alias", "aliases"), enumerate(others))
		if one != f.field.name {
			words += fmt.Sprintf(" (or %s instead)", one)
		}
		if lost := f.unread(others); len(lost) > 0 {
			words += fmt.Sprintf("; to go on reading %s, keep %s", enumerate(lost), plural(len(lost), "it as a field of its own", "them as fields of their own"))
		}
		return Fix{Words: words, JSON: brief(f.field.text)}
	}
	rivals := f.rivals(fits[0])
	both := enumerate(append([]string{f.field.name}, fieldNames(rivals)...))
	if fits[0] != f.field.name {
		words := fmt.Sprintf("old events hold one %s, and %s would read it: drop the alias %[1]s from field %[3]s", fits[0], both, f.field.name)
		f.dropAliases(f.field, fits)
		if zero := zeroOf(f.field.typ, map[*shape]bool{}); zero != nil && !f.field.hasDefault() {
			f.field.text.set("default", zero)
			words += ", which then needs a default"
		}
		if f.rRecord.field(fits[0]) != nil {
			words += fmt.Sprintf("; or if %s is the renamed %s, give the new field %[2]s another name", f.field.name, fits[0])
		}
		return Fix{Words: words, JSON: brief(f.field.text)}
	}
	words := fmt.Sprintf("old events hold one %s, and %s would read it: drop the alias %[1]s from %[3]s, or give this field another name", fits[0], both, enumerate(fieldNames(rivals)))
	if len(rivals) != 1 {
		return Fix{Words: words}
	}
	f.dropAliases(rivals[0], fits)
	if zero := zeroOf(rivals[0].typ, map[*shape]bool{}); zero != nil && !rivals[0].hasDefault() {
		rivals[0].text.set("default", zero)
	}
	return Fix{Words: words, JSON: brief(rivals[0].text)}
}

// unread are the writer's fields of these that no field of the reader has the name of.
func (f *fixing) unread(written []string) []string {
	return slices.DeleteFunc(slices.Clone(written), func(name string) bool { return f.rRecord.field(name) != nil })
}

func (f *fixing) dropAliases(field *shapeField, names []string) {
	kept := slices.DeleteFunc(slices.Clone(field.aliases), func(alias string) bool { return slices.Contains(names, alias) })
	if field.text.remove("aliases"); len(kept) > 0 {
		field.text.set("aliases", stringList(kept))
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
