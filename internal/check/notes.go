package check

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// notes notes what is odd about the whole: names that mean two things, contracts and rules that are for nothing.
func (c *checker) notes(candidates *set, h history, contracts map[string][]contract) error {
	c.report.Notes = append(c.report.Notes, candidates.twice()...)
	if c.named || len(candidates.problems) > 0 {
		return nil
	}
	gone := map[string]bool{}
	for _, sub := range h.gone(candidates) {
		gone[sub.name] = true
	}
	c.strangers(candidates, maps.Clone(gone), contracts)
	c.idleRules(candidates, gone)
	return c.endedContracts(h, contracts)
}

func (c *checker) noteAt(file string, line int, warning bool, format string, args ...any) {
	c.report.Notes = append(c.report.Notes, Note{file, line, fmt.Sprintf(format, args...), warning})
}

// strangers notes the contracts for schemas that nobody has.
func (c *checker) strangers(candidates *set, known map[string]bool, contracts map[string][]contract) {
	names := candidates.names()
	for _, sub := range candidates.subjects {
		for _, name := range sub.names() {
			known[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(contracts)) {
		ks := contracts[name]
		switch in := candidates.inside[name]; {
		case known[name]:
			continue
		case ks[0].schema == nil || name != ks[0].schema.FullName():
			c.noteAt(ks[0].show, 0, true, "a contract of %s (%s) has no name, and is not checked: nobody knows which schema it reads", services(ks), ks[0].show)
			continue
		case in != "":
			c.noteAt(ks[0].show, 0, true, "%s has a contract for %s (%s), which is not checked: here it is only a part of %s", services(ks), name, ks[0].show, in)
			continue
		}
		if c.whereNow(name, false) != "" { // this run looks at a part only
			continue
		}
		for _, k := range contracts[name] {
			c.noteAt(k.show, 0, true, "service %s has a contract for %s (%s), which no schema here is%s", k.service, name, k.show, meant(name, names))
		}
	}
}

// meant asks whether something like a name was meant, "" where nothing is like it.
func meant(name string, names []string) string {
	near := closest(name, names)
	for _, other := range names {
		if near == "" && strings.EqualFold(simple(other), simple(name)) {
			near = other
		}
	}
	if near == "" {
		near = closest(simple(name), mapped(names, simple))
		for _, other := range names {
			if near != "" && simple(other) == near {
				near = other
			}
		}
	}
	if near == "" {
		return ""
	}
	return fmt.Sprintf(". Did you mean %s?", near)
}

func mapped(list []string, f func(string) string) (all []string) {
	for _, s := range list {
		all = append(all, f(s))
	}
	return all
}

// names are the full names of all subjects.
func (s *set) names() (all []string) {
	for _, sub := range s.subjects {
		if !sub.unnamed {
			all = append(all, sub.name)
		}
	}
	return slices.Compact(all)
}

// idleRules notes the rules of the configuration that are for no schema.
func (c *checker) idleRules(candidates *set, gone map[string]bool) {
	if len(c.Paths) > 0 {
		return
	}
	names := candidates.names()
	for name := range gone {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, r := range c.Config.Subjects {
		if slices.ContainsFunc(names, func(name string) bool { ok, _ := path.Match(r.Match, name); return ok }) {
			continue
		}
		likely := names
		if space, ok := strings.CutSuffix(r.Match, ".*"); ok {
			likely = nil
			if near := closest(space, mapped(names, namespace)); near != "" {
				c.noteAt(c.Config.File, r.line, true, "match: %s matches no schema. Did you mean %s.*?", r.Match, near)
				continue
			}
		}
		c.noteAt(c.Config.File, r.line, true, "match: %s matches no schema%s", r.Match, meant(r.Match, likely))
	}
}

// unusedTags notes that versions were named that no mode looks at.
func (c *checker) unusedTags() {
	if c.Tags == "" || len(c.report.Subjects) == 0 {
		return
	}
	for _, s := range c.report.Subjects {
		if strings.HasSuffix(string(s.Mode), "_TRANSITIVE") {
			return
		}
	}
	c.noteAt("", 0, false, "the versions of the tags %s are for the _TRANSITIVE modes, and no schema here has one: only the last version was looked at", c.Tags)
}

// past contracts are those that a history has and the directory has no more.
type contractHistory interface {
	formerContracts() ([]*file, error)
}

// endedContracts notes the contracts that the change deletes.
func (c *checker) endedContracts(h history, contracts map[string][]contract) error {
	of, ok := h.(contractHistory)
	if !ok {
		return nil
	}
	files, err := of.formerContracts()
	if err != nil || len(files) == 0 {
		return err
	}
	for _, f := range files {
		s, err := newSet([]*file{f}, true, nil)
		if err != nil {
			return err
		}
		service, _, _ := strings.Cut(strings.TrimPrefix(f.path, c.contractsDir()+"/"), "/")
		for _, sub := range s.subjects {
			if slices.ContainsFunc(contracts[sub.name], func(k contract) bool { return k.service == service }) {
				continue // it moved
			}
			c.noteAt("", 0, false, "%s is deleted here: what %s reads of %s is no longer checked", f.path, service, sub.name)
		}
	}
	return nil
}

// mostDefiners is how many files are named that define one name.
const mostDefiners = 4

// twice notes the names that two files define in different ways.
func (s *set) twice() (notes []Note) {
	defined := map[string][]*outline{}
	var names []string
	for _, sub := range s.subjects {
		o := sub.newest().outline
		for _, name := range o.defines {
			if defined[name] == nil {
				names = append(names, name)
			}
			defined[name] = append(defined[name], o)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		in := defined[name]
		same := func(o *outline) bool { return o.root != name && o.root == in[0].root }
		if len(in) < 2 || !slices.ContainsFunc(in, func(o *outline) bool { return !same(o) }) { // versions of one record, which are told as such
			continue
		}
		slices.SortFunc(in, func(a, b *outline) int { return compareNatural(a.show, b.show) })
		first, files := in[0].meaning(name), []string{in[0].show}
		for _, o := range in[1:] {
			if o.meaning(name) != first {
				files = append(files, o.show)
			}
		}
		if len(files) == 1 || !slices.ContainsFunc(files[1:], func(f string) bool { return !successive(files[0], f) }) { // v1/order.avsc and v2/order.avsc are versions
			continue
		}
		ask := "which one is right?"
		if slices.ContainsFunc(in, func(o *outline) bool { return o.root == name }) {
			ask = "which one is published?"
		}
		notes = append(notes, Note{files[len(files)-1], 0, fmt.Sprintf("%s is defined in %s, and they differ: %s (\"exclude\" in troupe.yaml leaves files out)", name, enumerateSome(files, mostDefiners), ask), true})
	}
	return notes
}

// meaning is a text that is the same for equal definitions of a name.
func (o *outline) meaning(name string) string {
	if o.schema == nil {
		return ""
	}
	of := read(o.schema).names[name]
	if of == nil {
		return ""
	}
	v := of.written(map[string]bool{})
	v.undocument()
	return v.String()
}

// undocument removes the docs from a schema.
func (v *value) undocument() {
	v.remove("doc")
	for _, m := range v.object {
		m.value.undocument()
	}
	for _, item := range v.array {
		item.undocument()
	}
}

const (
	// mostFiles is how many files are looked into for a schema that is gone, and largestLook how large they may be.
	mostFiles   = 5000
	largestLook = 256 << 10
	mostLooks   = 20
)

// whereNow returns the file that holds a record which is no candidate, "" if none is found: one that has another
// extension or is left out, or if asked also a contract.
func (c *checker) whereNow(name string, contracts bool) (found string) {
	if c.looked++; c.looked > mostLooks {
		return ""
	}
	left := mostFiles
	_ = filepath.WalkDir(c.tree.root, func(full string, e fs.DirEntry, err error) error {
		if left--; left < 0 {
			return fs.SkipAll
		}
		rel, relErr := filepath.Rel(c.tree.root, full)
		if err != nil || relErr != nil {
			return nil
		}
		p := filepath.ToSlash(rel)
		if e.IsDir() {
			if p != "." && (p == c.report.Against || strings.HasPrefix(e.Name(), ".") || e.Name() == "node_modules" || !contracts && p == c.contractsDir()) {
				return fs.SkipDir
			}
			return nil
		}
		if ext := path.Ext(p); ext != extension && ext != ".json" || p == c.report.Against || !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err != nil || info.Size() > largestLook {
			return nil
		}
		text, err := os.ReadFile(full)
		if err != nil || !bytes.Contains(text, []byte(simple(name))) {
			return nil
		}
		v, err := readValue(text)
		if err != nil {
			return nil
		}
		o := outline{}
		if o.scan(v); o.root == name {
			found = c.tree.show(p)
			return fs.SkipAll
		}
		return nil
	})
	return found
}
