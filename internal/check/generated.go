package check

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/generated"
	"github.com/troupe-go/troupe/schema"
)

// GeneratedDiffers is the Rule of a Finding about Go code that avrogen made of another schema than the one that is checked.
const GeneratedDiffers schema.Rule = "GENERATED_CODE_DIFFERS"

// program is a schema that Go code has.
type program struct {
	generated.Schema
	show string // its file
}

// made reports whether the code was made from a version's file.
func (g program) made(root string, from *version, c *checker) bool {
	rel, err := filepath.Rel(root, filepath.Join(c.tree.root, filepath.FromSlash(from.outline.path)))
	return err == nil && g.MadeFrom(filepath.ToSlash(rel))
}

// generated finds the schemas in Go code that are not what is checked.
func (c *checker) generated(candidates *set) error {
	roots := c.roots()
	if c.empty || len(roots) == 0 {
		return nil
	}
	for _, root := range roots {
		found, err := c.code(root)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		for _, sub := range candidates.subjects {
			v := sub.newest()
			i := slices.IndexFunc(c.report.Subjects, func(s Subject) bool { return s.Name == sub.name && s.File == v.show })
			if v.schema == nil || sub.unnamed || i < 0 {
				continue
			}
			s := &c.report.Subjects[i]
			s.Findings = append(s.Findings, c.inCode(root, v, found, candidates.byName[sub.name])...)
		}
	}
	return nil
}

// roots are the directories whose code is looked at: the repository's, or what is checked where there is none.
func (c *checker) roots() (all []string) {
	if c.around != nil {
		return []string{c.tree.top}
	}
	for _, p := range c.present() {
		if !slices.Contains(c.tree.named, p) {
			all = append(all, filepath.Join(c.tree.root, filepath.FromSlash(p)))
		}
	}
	return all
}

// code returns the schemas in generated code below a directory, without those in files that git ignores.
func (c *checker) code(root string) (all []program, err error) {
	found, err := generated.Find(root)
	if err != nil {
		c.noteAt("", 0, false, "not all generated code was looked at: %v", err)
	}
	var files []string
	for _, g := range found {
		rel, err := filepath.Rel(c.tree.root, filepath.Join(root, filepath.FromSlash(g.File)))
		if err != nil {
			continue
		}
		all = append(all, program{g, filepath.ToSlash(rel)})
		files = append(files, filepath.ToSlash(rel))
	}
	if c.around == nil || len(all) == 0 {
		return all, c.ctx.Err()
	}
	ignored, err := c.around.ignored(slices.Compact(files))
	return slices.DeleteFunc(all, func(g program) bool { return ignored[g.show] }), err
}

// inCode returns what is wrong with the code that was made from a version's file. named are all subjects of its name.
func (c *checker) inCode(root string, v *version, found []program, named []*subject) (all []Finding) {
	name := v.schema.FullName()
	var without []program // the files made from it that do not have it
	has := map[string]bool{}
	for _, g := range found {
		if !g.made(root, v, c) {
			continue
		}
		if g.Schema.Schema.FullName() != name {
			without = append(without, g)
			continue
		}
		has[g.File] = true
		another := func(s *subject) bool {
			o := s.newest()
			return o != v && o.schema != nil && g.made(root, o, c) && g.differs(o) == nil
		}
		if f := g.differs(v); f != nil && !slices.ContainsFunc(named, another) {
			all = append(all, *f)
		}
	}
	for _, g := range without {
		if len(g.Sources) == 0 || has[g.File] || v.document().root.kind != "record" {
			continue
		}
		has[g.File] = true
		g.Line, g.Column = 1, 1
		f := g.finding(v)
		f.Who = fmt.Sprintf("programs know no %s: %s was generated before that was in %s", name, g.show, v.show)
		f.Problem = fmt.Sprintf("the //go:generate line makes %s from %s, and it has no %s", path.Base(g.show), path.Base(v.show), name)
		all = append(all, f)
	}
	return all
}

func (g program) finding(v *version) Finding {
	return Finding{
		Rule: GeneratedDiffers, Kind: OfSubject, New: Place{File: g.show, Line: g.Line, Column: g.Column}, Old: Place{File: v.show, Line: 1, Column: 1},
		Who: fmt.Sprintf("programs read and write with the schema in %s:%d, not with %s", g.show, g.Line, v.show),
		Fix: &Fix{Words: `run "go generate ./..."`},
		old: []string{Fingerprint(g.Schema.Schema)}, new: v.fingerprint(),
	}
}

// differs returns how the code differs from what avrogen makes of a version, nil if it does not.
func (g program) differs(v *version) *Finding {
	full, bare, err := generated.Make(v.schema)
	if err != nil { // avrogen has not made the code of it
		full, bare = v.schema, v.schema
	}
	missing := material(g.Schema.Schema, full)
	if len(missing) == 0 {
		return nil
	}
	f := g.finding(v)
	changes := material(g.Schema.Schema, bare)
	lost := material(bare, full)
	isBare := len(lost) > 0 && g.isBare()
	switch {
	case isBare && len(changes) == 0 && g.FullSchema:
		f.Problem = fmt.Sprintf("%s there: the code is older than the schema, or was generated without the -fullschema that its //go:generate line has", gaps(lost))
	case isBare && len(changes) == 0:
		f.Problem = fmt.Sprintf("%s there: it was generated without -fullschema, which leaves out defaults and aliases", gaps(lost))
	case isBare && len(g.Sources) > 0 && !g.FullSchema:
		f.Problem = fmt.Sprintf("the code is older than the schema (%s), and is generated without -fullschema, which leaves out defaults and aliases", since(changes))
	default:
		f.Problem = fmt.Sprintf("the code is older than the schema: %s", since(missing))
	}
	if isBare && !g.FullSchema {
		f.Fix.Words = `add -fullschema to avrogen in the //go:generate line, and run "go generate ./..."`
	}
	return &f
}

// isBare reports whether the code has none of what avrogen leaves out without -fullschema, docs among it.
func (g program) isBare() bool {
	_, bare, err := generated.Make(g.Schema.Schema)
	return err == nil && bare.String() == g.Schema.Schema.String() // docs, too
}

// material are the differences that matter to programs.
func material(code, file *schema.Schema) []schema.Change {
	if code.String() == file.String() {
		return nil
	}
	return slices.DeleteFunc(schema.Compare(code, file).Changes, func(c schema.Change) bool {
		return c.Kind == schema.ChangedDoc || c.Kind == schema.ChangedProperty || c.Kind == schema.ChangedSortOrder
	})
}

// mostGaps is how many fields are named of which something is missing.
const mostGaps = 4

// gaps says what is missing, mostly defaults and aliases.
func gaps(changes []schema.Change) string {
	var defaults, aliases, logical []string
	for _, c := range changes {
		switch name := last(c.Field); c.Kind {
		case schema.ChangedAliases:
			aliases = append(aliases, name)
		case schema.ChangedLogicalType:
			logical = append(logical, name)
		default:
			defaults = append(defaults, name)
		}
	}
	var parts []string
	for _, of := range []struct {
		one, many string
		names     []string
	}{{"default", "defaults", defaults}, {"aliases", "aliases", aliases}, {"logical type", "logical types", logical}} {
		if names := slices.Compact(slices.Sorted(slices.Values(of.names))); len(names) > 0 {
			parts = append(parts, fmt.Sprintf("the %s of %s", plural(len(names), of.one, of.many), enumerateSome(names, mostGaps)))
		}
	}
	return fmt.Sprintf("%s %s missing", strings.Join(parts, ", and "), plural(len(defaults)+len(logical)+2*len(aliases), "is", "are"))
}

// since says what changed after code was generated.
func since(changes []schema.Change) string {
	var words []string
	for _, c := range changes {
		words = append(words, changeWords(c))
	}
	return cmp.Or(Subject{Changes: words}.changed(), "its types changed")
}
