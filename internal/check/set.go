package check

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// set is what the files of a tree say, whole.
type set struct {
	subjects []*subject // ordered by name and path
	byName   map[string][]*subject
	// inside says which file defines a type that is no file's own.
	inside   map[string]string
	problems []Problem
	// unread are the files that the problems are about.
	unread []*file
}

// subject is a schema that has a name, with the versions that one tree has of it.
type subject struct {
	name    string // the full name, or the path where there is none
	unnamed bool
	path    string
	// versions are ordered oldest first. There are several in a directory <subject>/<n>.avsc.
	versions []*version
}

func (s *subject) newest() *version { return s.versions[len(s.versions)-1] }

// names are what the subject may have been called: its name and its aliases.
func (s *subject) names() []string {
	if v := s.newest(); v.schema != nil {
		return append([]string{s.name}, v.schema.Aliases()...)
	}
	return []string{s.name}
}

// version is a schema at one time.
type version struct {
	label  string
	show   string // its file
	schema *schema.Schema
	broken error     // why there is no schema
	read   *document // what document returns, once it was asked
	print  string    // what fingerprint returns, once it was asked
	// within returns where a field of a record is written, if at is not within it already; nil if that can't be told.
	within  func(record, field string, at Place) *Place
	outline *outline
}

// document is the schema as a document that nobody edits.
func (v *version) document() *document {
	if v.read == nil {
		v.read = read(v.schema)
	}
	return v.read
}

func (v *version) fingerprint() string {
	if v.print == "" {
		v.print = Fingerprint(v.schema)
	}
	return v.print
}

// loader makes a set of files.
type loader struct {
	files  []*outline
	roots  map[string][]*outline // by the name of what the file is
	nested map[string][]*outline // by what else it defines
	// others returns what else the tree has, for references.
	others func() ([]*file, error)
	asked  bool
	// stored says that the files are history: what others registered is taken as it is.
	stored bool
	stack  []*outline
}

func newSet(files []*file, stored bool, others func() ([]*file, error)) (*set, error) {
	l := &loader{roots: map[string][]*outline{}, nested: map[string][]*outline{}, stored: stored, others: others}
	for _, f := range files {
		l.files = append(l.files, l.add(f))
	}
	for _, o := range l.files {
		if err := l.parse(o); err != nil {
			return nil, err
		}
	}
	return l.set(), nil
}

func (l *loader) add(f *file) *outline {
	o := &outline{file: f, err: f.err}
	if f.err != nil {
		return o
	}
	base := strings.TrimSuffix(path.Base(f.path), extension)
	if n, err := strconv.Atoi(base); err == nil && n > 0 && strconv.Itoa(n) == base {
		o.number = n
	}
	v, err := readValue(f.text)
	if err != nil {
		return o // the parser will say it better
	}
	o.scan(v)
	if o.root != "" {
		l.roots[o.root] = append(l.roots[o.root], o)
	}
	for _, name := range o.defines {
		if name != o.root {
			l.nested[name] = append(l.nested[name], o)
		}
	}
	return o
}

// parse parses a file after those that it needs.
func (l *loader) parse(o *outline) error {
	if o.err != nil || o.state == done {
		return nil
	}
	if o.state == underway {
		l.cycle(o)
		return nil
	}
	o.state = underway
	l.stack = append(l.stack, o)
	defer func() { l.stack, o.state = l.stack[:len(l.stack)-1], done }()
	var refs []*schema.Schema
	for _, u := range o.uses {
		needed, err := l.definition(u, o)
		if err != nil {
			return err
		}
		if needed == nil {
			continue // the parser says what is missing
		}
		if err := l.parse(needed); err != nil {
			return err
		}
		switch {
		case o.err != nil: // a cycle
			return nil
		case needed.err != nil:
			o.err = &neededError{name: u.full, file: needed.show, err: needed.err}
			return nil
		case !slices.Contains(refs, needed.schema):
			refs = append(refs, needed.schema)
		}
	}
	if l.stored {
		o.parseStored(refs)
	} else {
		o.schema, o.err = schema.ParseFile(o.show, string(o.text), refs...)
	}
	return nil
}

// parseStored parses a file that others registered or committed, as well as it can be read.
func (o *outline) parseStored(refs []*schema.Schema) {
	o.schema, o.err = schema.ParseStoredFile(o.show, string(o.text), refs...)
	if o.err == nil {
		return
	}
	text, misnamed := mend(o.text)
	if text == nil {
		return
	}
	if s, err := schema.ParseStoredFile(o.show, string(text), refs...); err == nil {
		o.schema, o.err, o.misnamed = s, nil, misnamed
	}
}

// neededError says that a file can't be read because of another one.
type neededError struct {
	name, file string
	err        error
}

func (e *neededError) Error() string {
	return fmt.Sprintf("it needs %s, and %s is wrong", e.name, e.file)
}
func (e *neededError) Unwrap() error { return e.err }

// cycle reports the files from o on, which need each other.
func (l *loader) cycle(o *outline) {
	from := slices.Index(l.stack, o)
	var words []string
	for _, f := range l.stack[from:] {
		words = append(words, fmt.Sprintf("%s (%s)", f.root, f.show))
	}
	err := fmt.Errorf("the files need each other in a circle: %s -> %s: define these types in one file", strings.Join(words, " -> "), o.root)
	for _, f := range l.stack[from:] {
		if f.err == nil {
			f.err = &cycleError{err, f == o}
		}
	}
}

// cycleError is reported for one of its files.
type cycleError struct {
	error
	first bool
}

// definition returns the file that defines what a name stands for, nil if none does.
func (l *loader) definition(u use, user *outline) (*outline, error) {
	for range 2 {
		for _, index := range []map[string][]*outline{l.roots, l.nested} {
			for _, name := range []string{u.full, u.bare} {
				if found := nearest(index[name], user); found != nil {
					return found, nil
				}
			}
		}
		if l.asked || l.others == nil {
			break
		}
		l.asked = true
		more, err := l.others()
		if err != nil {
			return nil, err
		}
		for _, f := range more {
			l.add(f)
		}
	}
	return nil, nil
}

// nearest returns the file whose path has most in common with the user's; of versions the newest.
func nearest(found []*outline, user *outline) (best *outline) {
	for _, o := range found {
		if o == user {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(common(o.path, user.path), common(best.path, user.path)), cmp.Compare(o.number, best.number)) > 0 {
			best = o
		}
	}
	return best
}

func common(a, b string) (n int) {
	as, bs := strings.Split(path.Dir(a), "/"), strings.Split(path.Dir(b), "/")
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	return n
}

func (l *loader) set() *set {
	s := &set{byName: map[string][]*subject{}, inside: map[string]string{}}
	for _, o := range l.files {
		for _, name := range o.defines {
			if name != o.root {
				s.inside[name] = o.show
			}
		}
		if o.err != nil {
			s.unread = append(s.unread, o.file)
		}
		if o.err != nil && !l.stored {
			s.problems = append(s.problems, problemOf(o)...)
			continue
		}
		s.add(l, o)
	}
	for _, sub := range s.subjects {
		slices.SortStableFunc(sub.versions, func(a, b *version) int { return compareNatural(a.show, b.show) })
	}
	slices.SortFunc(s.subjects, func(a, b *subject) int { return cmp.Or(cmp.Compare(a.name, b.name), compareNatural(a.path, b.path)) })
	for _, sub := range s.subjects {
		s.byName[sub.name] = append(s.byName[sub.name], sub)
	}
	return s
}

func problemOf(o *outline) []Problem {
	var (
		parse  *schema.ParseError
		circle *cycleError
		needed *neededError
	)
	p := Problem{File: o.show, Message: o.show + ": " + o.err.Error()}
	switch {
	case errors.As(o.err, &needed):
	case errors.As(o.err, &circle):
		if !circle.first {
			return nil
		}
		p.Message = o.err.Error()
	case errors.As(o.err, &parse):
		p.Line, p.Column, p.Message = parse.Line, parse.Column, fmt.Sprintf("%s: %s", parse.Position, parse.Problem)
	}
	return []Problem{p}
}

// add adds a file as a subject, or as a version of one.
func (s *set) add(l *loader, o *outline) {
	v := &version{show: o.show, schema: o.schema, broken: o.err, outline: o, within: func(record, field string, at Place) *Place { return l.within(o, record, field, at) }}
	if o.number > 0 {
		v.label = "v" + strconv.Itoa(o.number)
	}
	name := o.root
	if o.schema != nil {
		name = o.schema.FullName()
	}
	unnamed := name == ""
	if unnamed {
		name = o.path
		if o.number > 0 {
			name = path.Dir(o.path)
		}
	}
	p := o.path
	if o.number > 0 {
		p = path.Dir(o.path)
		for _, sub := range s.subjects {
			if sub.name == name && sub.path == p {
				sub.versions = append(sub.versions, v)
				return
			}
		}
	}
	s.subjects = append(s.subjects, &subject{name: name, unnamed: unnamed, path: p, versions: []*version{v}})
}

// within implements version.within for the schema of a file.
func (l *loader) within(o *outline, record, field string, at Place) *Place {
	if !slices.Contains(o.defines, record) {
		var err error
		if o, err = l.definition(use{record, record}, o); err != nil || o == nil {
			return nil
		}
	}
	of := o.records[record]
	if of == nil {
		return nil
	}
	for _, f := range of.get("fields").array {
		if f.get("name").text() != field {
			continue
		}
		line, column := lineColumn(o.text, f.span[0])
		if at.File == o.show && at.Line > 0 {
			endLine, endColumn := lineColumn(o.text, f.span[1])
			after := at.Line > line || at.Line == line && at.Column >= column
			if before := at.Line < endLine || at.Line == endLine && at.Column <= endColumn; after && before {
				return nil
			}
		}
		return &Place{File: o.show, Line: line, Column: column, Type: at.Type}
	}
	return nil
}

// lineColumn is a place in a text as schema.Position counts.
func lineColumn(text []byte, offset int) (line, column int) {
	before := text[:offset]
	return bytes.Count(before, []byte("\n")) + 1, offset - bytes.LastIndexByte(before, '\n')
}

// compareNatural compares texts with numbers in them by these numbers: v2 comes before v10.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			da, db := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(da), len(db)), cmp.Compare(da, db)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
