package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// mostFixes is for how many findings of a pair of schemas a fix is tried out, and fewFixes where
// one of them has more than largeText bytes.
const (
	mostFixes = 50
	fewFixes  = 5
	largeText = 64 << 10
)

// fix says how to repair a violation. What it says to write was tried out: with it, the
// schema has the violation no more, and no new one.
// broken is how many violations of the pair break.
func fix(p pair, v schema.Violation, broken int) *Fix {
	f, edited := repair(p, v, broken, (*fixing).do)
	if f.JSON == "" || edited == nil {
		f = Fix{Words: f.Words}
	}
	f.edited = edited
	if p.kind == NewReadsOld && v.Rule == schema.MissingDefault && p.follow(v, p.new.document()).orphan() != "" {
		if alias, edited := repair(p, v, broken, (*fixing).giveAlias); edited != nil {
			f.Words = fmt.Sprintf("if it is a new field%s", f.then)
			alias.Else = &f
			return &alias
		}
	}
	return &f
}

// agree lets one fix repair what breaks in both directions in one place, if it does: of two different ones nobody knows which to write.
func agree(old *schema.Schema, backward, forward []Finding) {
	repairs := func(by *Fix, f Finding, writer, reader *schema.Schema) bool {
		left, err := violations(writer, reader)
		return err == nil && by.JSON != "" && !slices.ContainsFunc(left, f.isOf)
	}
	for i := range backward {
		for j := range forward {
			f, g := &backward[i], &forward[j]
			if f.New.String() != g.New.String() && f.Field != g.Field || f.Fix == nil || g.Fix == nil || f.Fix.JSON == g.Fix.JSON {
				continue
			}
			switch toRead, toWrite := f.Fix.edited, g.Fix.edited; {
			case toWrite != nil && repairs(g.Fix, *f, old, toWrite):
				f.Fix = g.Fix
			case toRead != nil && repairs(f.Fix, *g, toRead, old):
				g.Fix = f.Fix
			}
		}
	}
}

// repair returns a fix and the schema after it, nil if it is not one that a machine can make.
func repair(p pair, v schema.Violation, broken int, do func(*fixing) Fix) (Fix, *schema.Schema) {
	r := p.follow(v, p.new.document().copy())
	f := do(r)
	if f.JSON == "" {
		return f, nil
	}
	edited, err := r.candidate.parse()
	if err != nil {
		return f, nil
	}
	after := p
	after.new = &version{schema: edited}
	left, err := violations(after.writer(), after.reader())
	if err != nil || breaks(left) >= broken {
		return f, nil
	}
	return f, edited
}

func breaks(violations []schema.Violation) (n int) {
	for _, v := range violations {
		if !v.Rule.Warning() {
			n++
		}
	}
	return n
}

// fixing is a violation with what it is about on both sides.
type fixing struct {
	pair
	v              schema.Violation
	candidate, old *document
	// r and w are the reader's and the writer's type at the violation; either may be nil.
	r, w *place
	// field is the reader's, if the violation is about a field. rRecord and wRecord are the records around it.
	field   *shapeField
	rRecord *shape
	wRecord *shape
	// in and of are the last field on the way in the candidate's schema, and its record.
	in, of string
	// around is that field, nil if there is none.
	around *shapeField
}

// follow returns what a violation is about. candidate is p.new's document, or a copy of it to edit.
func (p pair) follow(v schema.Violation, candidate *document) *fixing {
	f := &fixing{pair: p, v: v, candidate: candidate, old: p.old.document()}
	f.r, f.w = f.old.root, f.candidate.root
	if p.kind == NewReadsOld {
		f.r, f.w = f.candidate.root, f.old.root
	}
	steps := strings.Split(strings.TrimPrefix(v.Path, "/"), "/")
	for len(steps) > 0 && steps[0] != "" && f.r != nil {
		steps = f.step(steps)
	}
	return f
}

// step follows the first steps of a path on both sides, and returns the others.
func (f *fixing) step(steps []string) []string {
	if f.w != nil && f.w.kind == "union" {
		into := f.r
		if i, err := strconv.Atoi(steps[0]); err == nil && i < len(f.r.branches) {
			into = f.r.branches[i]
		}
		f.w = counterpart(f.w, into)
	}
	n := 0
	if len(steps) > 1 {
		n, _ = strconv.Atoi(steps[1])
	}
	switch {
	case steps[0] == "fields" && n < len(f.r.fields):
		f.field, f.rRecord, f.wRecord = f.r.fields[n], f.r.shape, nil
		if f.w != nil {
			f.wRecord = f.w.shape
		}
		f.r, f.w = f.field.typ, f.written()
		f.noteField()
		if len(steps) > 2 {
			return steps[3:]
		}
		return nil
	case steps[0] == "items", steps[0] == "values":
		f.r = f.r.items
		if f.w != nil {
			f.w = f.w.items
		}
	default:
		i, err := strconv.Atoi(steps[0])
		if err != nil || i >= len(f.r.branches) {
			f.r = nil
			return nil
		}
		f.r = f.r.branches[i]
	}
	f.field = nil
	return steps[1:]
}

// noteField notes the candidate's field on the way.
func (f *fixing) noteField() {
	f.in, f.of, f.around = "", "", nil
	if f.kind == NewReadsOld {
		f.in, f.of, f.around = f.field.name, f.rRecord.name, f.field
	} else if w := f.writtenField(); w != nil {
		f.in, f.of, f.around = w.name, f.wRecord.name, w
	}
}

// snippet is what to write after an edit within of: the whole field that it is in, or else the type itself.
func (f *fixing) snippet(of *value) string {
	if f.around != nil && f.around.text.holds(of) {
		return brief(f.around.text)
	}
	return shorten(of).String()
}

// written is the type of the writer's field that f.field reads.
func (f *fixing) written() *place {
	if w := f.writtenField(); w != nil {
		return w.typ
	}
	return nil
}

func (f *fixing) writtenField() *shapeField {
	if f.wRecord == nil {
		return nil
	}
	for _, name := range f.field.names() {
		if w := f.wRecord.field(name); w != nil {
			return w
		}
	}
	return nil
}

// counterpart is the branch of a writer's union that a type reads, nil if none does.
func counterpart(union, r *place) *place {
	for _, b := range union.branches {
		if b.kind == r.kind && (b.name == "" || simple(b.name) == simple(r.name) || slices.Contains(r.aliases, b.name)) {
			return b
		}
	}
	return nil
}

// do makes the fix in the candidate's document.
func (f *fixing) do() Fix {
	if f.kind == NewReadsOld {
		return f.fixReader()
	}
	return f.fixWriter()
}

// fixReader makes the candidate read old events.
func (f *fixing) fixReader() Fix {
	switch f.v.Rule {
	case schema.MissingDefault:
		return f.giveDefault()
	case schema.MissingEnumSymbols:
		return f.keepSymbols()
	case schema.NameMismatch:
		if f.r == nil || f.w == nil {
			return Fix{Words: "keep the old name, or give the type the old one as an alias"}
		}
		w := f.w
		if w.kind == "union" {
			w = branchOf(w, f.v.Writer.Type)
		}
		if w == nil || w.name == "" {
			return Fix{Words: "keep the old name, or give the type the old one as an alias"}
		}
		aliases := append(slices.Clone(f.r.aliases), w.name)
		f.r.text.set("aliases", stringList(aliases))
		return Fix{Words: fmt.Sprintf("keep the old name as an alias of %s", f.r.name), JSON: f.snippet(f.r.text), alias: true}
	case schema.MissingUnionBranch:
		b := f.branch(f.w)
		words := fmt.Sprintf("keep %s in the union: it may stay unused", f.v.Writer.Type)
		if b == nil || f.r == nil || f.r.kind != "union" {
			return Fix{Words: words}
		}
		f.r.slot.array = append(f.r.slot.array, b.written(f.candidate.known()))
		return Fix{Words: words, JSON: f.snippet(f.r.slot)}
	case schema.AmbiguousAlias:
		return f.readOne()
	}
	return f.restore()
}

// fixWriter makes the candidate write what others read.
func (f *fixing) fixWriter() Fix {
	switch f.v.Rule {
	case schema.MissingDefault:
		words := fmt.Sprintf("keep field %s until no consumer needs it; if it was renamed, write both for a while", last(f.v.Field))
		if f.wRecord == nil || f.field == nil {
			return Fix{Words: words}
		}
		back := f.field.written(f.candidate.known())
		fields := f.wRecord.text.get("fields")
		fields.array = append(fields.array, back)
		if f.breaksBefore() && back.get("default") == nil {
			if zero := zeroOf(f.field.typ, map[*shape]bool{}); zero != nil {
				back.set("default", zero)
			}
		}
		return Fix{Words: words, JSON: back.String()}
	case schema.MissingEnumSymbols:
		return f.dropSymbols()
	case schema.NameMismatch:
		return f.renameBack()
	case schema.MissingUnionBranch:
		words := fmt.Sprintf("do not write %s there yet: put it into a new field, or let all consumers have the wider type first", f.v.Writer.Type)
		b := f.branch(f.w)
		if b == nil || f.r == nil {
			return Fix{Words: words}
		}
		if f.w.kind != "union" {
			return Fix{Words: words, JSON: f.put(f.w, f.r)}
		}
		if !slices.ContainsFunc(f.w.branches, func(o *place) bool { return o != b && o.kind != "null" }) {
			return Fix{Words: words, JSON: f.put(f.w, f.r)} // what would be left holds nothing
		}
		f.w.slot.array = slices.DeleteFunc(f.w.slot.array, func(v *value) bool { return v == b.slot })
		return Fix{Words: words, JSON: f.snippet(f.w.slot)}
	case schema.AmbiguousAlias:
		return f.writeOne()
	}
	return f.restore()
}

// breaksBefore reports whether the candidate as it is edited cannot read what was there before, though it could.
func (f *fixing) breaksBefore() bool {
	if f.before == nil {
		return false
	}
	edited, err := f.candidate.parse()
	if err != nil {
		return false
	}
	was, err := violations(f.before, f.new.schema)
	is, err2 := violations(f.before, edited)
	return err == nil && err2 == nil && breaks(is) > breaks(was)
}

// branch is the branch of a writer's type that a violation names.
func (f *fixing) branch(w *place) *place {
	if w == nil || w.kind != "union" {
		return w
	}
	return branchOf(w, f.v.Writer.Type)
}

// branchOf finds a branch by its type in short.
func branchOf(union *place, short string) *place {
	kind, rest, _ := strings.Cut(short, " ")
	name, _, _ := strings.Cut(rest, " ")
	for _, b := range union.branches {
		if b.kind == kind && (b.name == "" || b.name == name) {
			return b
		}
	}
	return nil
}

// known are the names that a document defines.
func (d *document) known() map[string]bool {
	known := make(map[string]bool, len(d.names))
	for name := range d.names {
		known[name] = true
	}
	return known
}

func (f *fixing) keepSymbols() Fix {
	words := fmt.Sprintf("keep %s in the enum (nobody has to write %s), or give the enum a \"default\" for what it does not know",
		enumerate(f.v.Missing), plural(len(f.v.Missing), "it", "them"))
	if f.r == nil || f.r.kind != "enum" {
		return Fix{Words: words}
	}
	symbols := append(slices.Clone(f.r.symbols), f.v.Missing...)
	f.r.text.set("symbols", stringList(symbols))
	if len(symbols) > mostSymbols {
		return Fix{Words: words, JSON: `"symbols": [..., ` + strings.TrimPrefix(stringList(f.v.Missing).String(), "[")}
	}
	return Fix{Words: words, JSON: f.snippet(f.r.text)}
}

// dropSymbols takes new symbols out of the candidate's enum, and prepares it for them: with a default.
func (f *fixing) dropSymbols() Fix {
	w, missing := f.w, enumerate(f.v.Missing)
	if w != nil && w.kind == "union" {
		w = branchOf(w, f.v.Writer.Type)
	}
	if w == nil || w.kind != "enum" {
		return Fix{Words: fmt.Sprintf("do not add %s yet: first give the enum a \"default\", bring that version to all consumers, then add symbols", missing)}
	}
	isMissing := func(s string) bool { return slices.Contains(f.v.Missing, s) }
	symbols, read := slices.DeleteFunc(slices.Clone(w.symbols), isMissing), f.symbolsRead(w)
	if len(symbols) == 0 || f.both && len(symbols) < len(read) { // an enum without symbols has no value, and what is gone is missed too
		symbols = read
	}
	if len(symbols) == 0 {
		return Fix{Words: fmt.Sprintf("keep the old symbols until all consumers know %s", missing)}
	}
	w.text.set("symbols", stringList(symbols))
	words := fmt.Sprintf("do not add %s yet: bring the enum with its \"default\" to all consumers first, then add symbols", missing)
	if w.fallback == nil || isMissing(w.fallback.text()) {
		w.text.set("default", literal(symbols[0]))
		words = fmt.Sprintf("do not add %s yet: first give the enum a \"default\" for what it does not know (%s or another symbol), bring that version to all consumers, then add symbols", missing, symbols[0])
	}
	if len(symbols) > mostSymbols {
		return Fix{Words: words, JSON: fmt.Sprintf(`"symbols": %s, "default": %s`, stringList(symbols), w.text.get("default"))}
	}
	return Fix{Words: words, JSON: f.snippet(w.text)}
}

// symbolsRead are the symbols that readers of an enum know, nil if they do not read it as one.
func (f *fixing) symbolsRead(w *place) []string {
	r := f.r
	if r != nil && r.kind == "union" {
		r = counterpart(r, w)
	}
	if r == nil || r.kind != "enum" {
		return nil
	}
	return r.symbols
}

// mostSymbols is how many symbols an enum may have to be shown as a whole.
const mostSymbols = 12

// renameBack gives a type of the candidate the name that readers know.
func (f *fixing) renameBack() Fix {
	w := f.w
	if w != nil && w.kind == "union" {
		w = branchOf(w, f.v.Writer.Type)
	}
	if w == nil || f.r == nil || w.name == "" || f.r.name == "" {
		return Fix{Words: "keep the old name"}
	}
	words := fmt.Sprintf("keep the name %s: consumers look for it, and only they could have an alias", f.r.name)
	name := qualify(simple(f.r.name), namespace(w.name))
	w.text.remove("namespace")
	w.text.set("name", literal(name))
	for _, ref := range w.refs {
		*ref = *literal(name)
	}
	return Fix{Words: words, JSON: f.snippet(w.text)}
}

// restore gives the candidate the type that the other side has.
func (f *fixing) restore() Fix {
	mine, theirs := f.r, f.w
	if f.kind != NewReadsOld {
		mine, theirs = f.w, f.r
	}
	keep := "the old type"
	if f.kind == Contract {
		keep = "the type that " + f.service + " reads"
	}
	if theirs != nil && theirs.kind != "union" && theirs.kind != "record" {
		keep = f.v.Reader.Type
		if f.kind == NewReadsOld {
			keep = f.v.Writer.Type
		}
	}
	words := fmt.Sprintf("keep %s; what needs another type is a new field, with a default", keep)
	switch {
	case f.v.Writer.Type == "null" && f.kind == NewReadsOld:
		words = "keep it optional"
	case f.v.Writer.Type == "null":
		words = "do not write null there before every consumer can read it"
	}
	if mine == nil || theirs == nil {
		return Fix{Words: words}
	}
	if f.v.Rule == schema.FixedSizeMismatch && mine.kind == "fixed" && theirs.kind == "fixed" {
		mine.text.set("size", literal(theirs.size))
		return Fix{Words: words, JSON: f.snippet(mine.text)}
	}
	return Fix{Words: words, JSON: f.put(mine, theirs)}
}

// put writes the type of theirs in the place of mine, and returns what was written.
func (f *fixing) put(mine, theirs *place) string {
	known := f.candidate.known()
	for name, of := range f.candidate.names {
		if mine.slot.holds(of.text) { // and so is lost with it
			delete(known, name)
		}
	}
	*mine.slot = *theirs.written(known)
	if f.around != nil && f.around.typ == mine {
		f.around.text.remove("default")
		if old := f.oldField(); old != nil && old.hasDefault() {
			f.around.text.set("default", old.text.get("default"))
		}
	}
	return f.snippet(mine.slot)
}

// oldField is the other side's field of f.around.
func (f *fixing) oldField() *shapeField {
	if f.kind == NewReadsOld {
		return f.writtenField()
	}
	return f.field
}
