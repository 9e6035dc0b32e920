package check

import "github.com/troupe-go/troupe/schema"

// outline is what a file's text defines and uses.
type outline struct {
	*file
	root    string
	defines []string
	uses    []use
	number  int // of a file <subject>/<n>.avsc, else 0
	state   byte
	schema  *schema.Schema
	err     error
	// misnamed says that schema has other namespaces than the text, whose are not legal.
	misnamed bool
	records  map[string]*value // by name
}

// use is a name that is not defined before it in its file, and what it may stand for.
type use struct{ full, bare string }

const (
	unseen byte = iota
	underway
	done
)

// scan finds the names of a text as the parser does.
func (o *outline) scan(v *value) {
	o.records = map[string]*value{}
	s := scanner{defined: map[string]bool{}, used: map[use]bool{}, o: o}
	o.root = s.typ(v, "")
}

type scanner struct {
	o       *outline
	defined map[string]bool
	used    map[use]bool
}

// typ returns the name of what v defines, "" if that is nothing.
func (s *scanner) typ(v *value, space string) string {
	switch {
	case v == nil:
	case v.isString():
		s.name(v.text(), space)
	case v.kind == '[':
		for _, branch := range v.array {
			s.typ(branch, space)
		}
	case v.kind == '{':
		return s.object(v, space)
	}
	return ""
}

func (s *scanner) name(name, space string) {
	u := use{qualify(name, space), name}
	if primitives[name] || s.defined[u.full] || s.defined[u.bare] || s.used[u] {
		return
	}
	s.used[u] = true
	s.o.uses = append(s.o.uses, u)
}

func (s *scanner) object(v *value, space string) string {
	switch kind := v.get("type").text(); kind {
	case "record", "error", "enum", "fixed":
		if ns := v.get("namespace"); ns != nil && ns.isString() {
			space = ns.text()
		}
		name := qualify(v.get("name").text(), space)
		s.defined[name] = true
		s.o.defines = append(s.o.defines, name)
		if fields := v.get("fields"); fields != nil {
			s.o.records[name] = v
			for _, f := range fields.array {
				s.typ(f.get("type"), namespace(name))
			}
		}
		return name
	case "array":
		s.typ(v.get("items"), space)
	case "map":
		s.typ(v.get("values"), space)
	case "":
	default:
		s.name(kind, space)
	}
	return ""
}

var primitives = map[string]bool{
	"null": true, "boolean": true, "int": true, "long": true, "float": true, "double": true, "bytes": true, "string": true,
}
