package schema

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Parse parses an Avro schema (Avro 1.12 specification). refs are schemas whose
// named types text may use, also those that they only contain.
//
// Errors are *ParseError. A logical type that is unknown or ill formed is
// ignored, as the specification demands, but kept in String. Some things are
// taken more generously than the specification has them, as Avro Java does: a
// default may fit any branch of a union; that of a float or a double may be "NaN",
// "Infinity" or "-Infinity"; and a name without a namespace is also looked up in the
// null namespace. Other things that Avro Java takes are refused: comments (see
// ParseFile and WithoutComments), a key that is there twice, a name that is used before its
// definition, a default that is no value of its type. Texts of more than 16 MiB, or nested more than 1,000 deep, are refused.
func Parse(text string, refs ...*Schema) (*Schema, error) {
	p := parser{names: map[string]*node{}}
	return p.parse(text, refs)
}

// ParseStored is Parse for a schema that others have registered. A default that is not a
// value of its type is no error: some registries take such schemas, and what was
// written with them can be read. It is kept in String, but nothing is ever filled in with it.
// There may be comments, as in ParseFile; names may have letters and digits of all scripts, of a key that is there twice the last counts, and
// the text may start with a byte order mark: nobody can change what is in a history.
func ParseStored(text string, refs ...*Schema) (*Schema, error) {
	p := parser{names: map[string]*node{}, comments: true, stored: true}
	return p.parse(text, refs)
}

// ParseFile is Parse for a text that is in a file, which the Positions in errors and violations then name. Comments
// (/* */ and //) may stand where white space may, as in Avro Java; String does not keep them.
func ParseFile(file, text string, refs ...*Schema) (*Schema, error) {
	p := parser{names: map[string]*node{}, comments: true, file: file}
	return p.parse(text, refs)
}

// ParseStoredFile is ParseStored for a text that is in a file, as ParseFile.
func ParseStoredFile(file, text string, refs ...*Schema) (*Schema, error) {
	p := parser{names: map[string]*node{}, comments: true, stored: true, file: file}
	return p.parse(text, refs)
}

func (p *parser) parse(text string, refs []*Schema) (*Schema, error) {
	if p.stored {
		text = strings.TrimPrefix(text, byteOrderMark)
	}
	if problem := notText(text); problem != "" {
		if p.file != "" {
			problem = strings.Replace(problem, "the text", "the file", 1)
		}
		return nil, &ParseError{Position: Position{p.file, 1, 1}, Problem: problem}
	}
	doc, bad := readSchemaJSON(text, p.comments)
	doc.file = p.file
	if bad != nil {
		if bad.problem == noComments {
			bad.problem += `: use "doc"`
		}
		return nil, &ParseError{Position: doc.position(bad.offset), Problem: bad.problem}
	}
	for _, ref := range refs {
		if err := p.refer(ref); err != nil {
			return nil, err
		}
	}
	root, err := p.schema(jsonValue{doc: doc}, "")
	if err != nil {
		return nil, err
	}
	if err := p.checkDefaults(); err != nil {
		return nil, err
	}
	return newSchema(root), nil
}

// parser is the state of one Parse.
type parser struct {
	names    map[string]*node
	path     []string  // JSON pointer of the value that is being read
	links    []*pathTo // the beginning of path, as far as here was asked for it
	named    int       // bytes of full names
	defaults []pendingDefault
	stored   bool // see ParseStored
	comments bool // are taken for white space
	file     string
}

// pendingDefault is a default that is checked when all types are known.
type pendingDefault struct {
	field *field
	path  *pathTo
}

// pathTo is a JSON pointer that shares its beginning with others.
type pathTo struct {
	up   *pathTo
	step string
}

func (p *pathTo) String() string {
	var steps []string
	for ; p != nil; p = p.up {
		steps = append(steps, p.step)
	}
	slices.Reverse(steps)
	return pointer(steps)
}

// here is the place of the value that is being read.
func (p *parser) here() *pathTo {
	var last *pathTo
	if len(p.links) > 0 {
		last = p.links[len(p.links)-1]
	}
	for _, step := range p.path[len(p.links):] {
		last = &pathTo{last, step}
		p.links = append(p.links, last)
	}
	return last
}

// refer makes the named types of another schema known.
func (p *parser) refer(ref *Schema) error {
	for _, n := range ref.root.namedTypes() {
		known, ok := p.names[n.name]
		if ok && known != n && identity(known) != identity(n) {
			return &ParseError{Position: Position{p.file, 1, 1}, Problem: fmt.Sprintf("two references define %s, and not the same way", n.name)}
		}
		if !ok {
			p.names[n.name] = n
		}
	}
	return nil
}

func (p *parser) in(step string) { p.path = append(p.path, step) }
func (p *parser) out() {
	p.path = p.path[:len(p.path)-1]
	p.links = p.links[:min(len(p.links), len(p.path))]
}

func (p *parser) pointer() string { return pointer(p.path) }

func pointer(path []string) string {
	var b strings.Builder
	for _, step := range path {
		b.WriteByte('/')
		b.WriteString(step)
	}
	return b.String()
}

func (p *parser) fail(at jsonValue, format string, args ...any) error {
	return &ParseError{Position: at.position(), Path: p.pointer(), Problem: fmt.Sprintf(format, p.cut(args)...)}
}

// cut shortens the texts of others among args.
func (p *parser) cut(args []any) []any {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = head(text, maxName)
		}
	}
	return args
}

// schema reads a type. space is the namespace around it.
func (p *parser) schema(v jsonValue, space string) (*node, error) {
	switch v.kind() {
	case jsonString:
		return p.reference(v, v.str(), space, false)
	case jsonArray:
		return p.union(v, space)
	case jsonObject:
		return p.object(v, space)
	default:
		return nil, p.fail(v, "%s is no type: a type is a name in quotes, an object or an array of types", v.kind())
	}
}

// reference reads a type that is written as a name; inside tells that it is the "type" of an object.
func (p *parser) reference(v jsonValue, name, space string, inside bool) (*node, error) {
	if k, ok := primitives[name]; ok {
		return &node{kind: k, position: v.position()}, nil
	}
	full, err := p.full(v, name, space)
	if err != nil {
		return nil, err
	}
	if n, ok := p.names[full]; ok {
		return n, nil
	}
	if n, ok := p.names[name]; ok {
		return n, nil
	}
	switch name {
	case "record", "error", "enum", "fixed", "array", "map":
		return nil, p.fail(v, `%q alone is no type: write the whole type in its place, %s`, name, complexForms[name])
	case "union":
		return nil, p.fail(v, `"union" is no type: a union is written as an array of types`)
	}
	return nil, p.fail(v, "unknown type %q: %s", name, sentence(p.suggestion(v, name, space, inside)))
}

// suggestion says what may be wrong with a name that nothing defines.
func (p *parser) suggestion(v jsonValue, name, space string, inside bool) string {
	var found string
	for known := range p.names {
		if simpleName(known) == simpleName(name) && (found == "" || known < found) {
			found = known
		}
	}
	guess := ""
	if found == "" {
		guess = p.guess(v, name, inside)
	}
	full, name := head(fullName(name, space), maxName), head(name, maxName)
	switch {
	case found != "":
		return fmt.Sprintf("%s is not defined up to here, but %s is", full, head(found, maxName))
	case guess != "":
		return guess
	case full != name:
		return fmt.Sprintf("neither %s nor a type %s without namespace is defined up to here", full, name)
	default:
		return fmt.Sprintf("%s is not defined up to here", full)
	}
}

func (p *parser) union(v jsonValue, space string) (*node, error) {
	n := &node{kind: kindUnion, position: v.position()}
	seen := map[string]bool{}
	for i, item := range v.items() {
		p.in(strconv.Itoa(i))
		branch, err := p.schema(item, space)
		if err != nil {
			return nil, err
		}
		if branch.kind == kindUnion {
			return nil, p.fail(item, "a union directly within a union")
		}
		name := branch.kind.String()
		if branch.kind.named() {
			name = branch.name
		}
		if seen[name] {
			return nil, p.fail(item, "the union has %s twice: a union holds each named type once, and of the others one of each type (a logical type makes no difference)", name)
		}
		seen[name] = true
		n.branches = append(n.branches, branch)
		p.out()
	}
	return n, nil
}

// object reads a type that is written as an object.
func (p *parser) object(v jsonValue, space string) (*node, error) {
	if err := p.uniqueKeys(v); err != nil {
		return nil, err
	}
	t, ok := v.get("type")
	if !ok {
		return nil, p.lacks(v, "type", `the type has no "type"`)
	}
	if t.kind() != jsonString {
		p.in("type")
		return nil, p.fail(t, `"type" is %s, but a type that is an object names its type with a string: take the outer object away`, t.kind())
	}
	n := &node{position: v.position()}
	switch name := t.str(); name {
	case "record", "error":
		n.kind, n.isError = kindRecord, name == "error"
		return n, p.record(v, n, space)
	case "enum":
		n.kind = kindEnum
		return n, p.enum(v, n, space)
	case "fixed":
		n.kind = kindFixed
		return n, p.fixed(v, n, space)
	case "array":
		n.kind = kindArray
		return n, p.collection(v, n, "items", space)
	case "map":
		n.kind = kindMap
		return n, p.collection(v, n, "values", space)
	default:
		k, ok := primitives[name]
		if !ok {
			p.in("type")
			defer p.out()
			return p.reference(t, name, space, true)
		}
		n.kind = k
		p.properties(v, n, "type")
		return n, nil
	}
}

// uniqueKeys refuses an object that says something twice, unless it is stored: then the last counts.
func (p *parser) uniqueKeys(v jsonValue) error {
	if p.stored {
		return nil
	}
	seen := make(map[string]bool, 8)
	for key := range v.members() {
		if seen[key.str()] {
			return p.fail(key, "the key %q is there twice", key.str())
		}
		seen[key.str()] = true
	}
	return nil
}

func (p *parser) collection(v jsonValue, n *node, key, space string) (err error) {
	of, ok := v.get(key)
	if !ok {
		return p.lacks(v, key, "the %s has no %q", n.kind, key)
	}
	p.in(key)
	if n.items, err = p.schema(of, space); err != nil {
		return err
	}
	p.out()
	p.properties(v, n, "type", key)
	return nil
}

func (p *parser) record(v jsonValue, n *node, space string) error {
	if err := p.define(v, n, space); err != nil {
		return err
	}
	fields, ok := v.get("fields")
	if !ok {
		return p.lacks(v, "fields", `the record %s has no array "fields"`, n.name)
	}
	p.in("fields")
	if fields.kind() != jsonArray {
		return p.fail(fields, `the "fields" of record %s are %s, not an array of {"name":...,"type":...}`, n.name, fields.kind())
	}
	seen := map[string]Position{}
	for i, item := range fields.items() {
		p.in(strconv.Itoa(i))
		f, err := p.field(item, n)
		if err != nil {
			return err
		}
		if first, twice := seen[f.name]; twice {
			return p.fail(item, "the record %s has two fields %q, the first at %s", n.name, f.name, first)
		}
		seen[f.name] = f.position
		n.fields = append(n.fields, f)
		p.out()
	}
	p.out()
	p.properties(v, n, "type", "name", "namespace", "doc", "aliases", "fields")
	return nil
}

func (p *parser) field(v jsonValue, of *node) (*field, error) {
	if v.kind() != jsonObject {
		return nil, p.fail(v, "a field is an object, not %s", v.kind())
	}
	if err := p.uniqueKeys(v); err != nil {
		return nil, err
	}
	f := &field{position: v.position(), doc: optionalText(v, "doc")}
	name, ok := v.get("name")
	switch {
	case !ok:
		return nil, p.lacks(v, "name", `a field of %s has no "name"`, of.name)
	case name.kind() != jsonString:
		return nil, p.fail(name, `the "name" of a field of %s is %s, not a string`, of.name, name.kind())
	}
	if f.name = name.str(); !p.legalName(f.name) {
		return nil, p.fail(name, "the field name %q is not legal: %s", f.name, nameRule)
	}
	typ, ok := v.get("type")
	if !ok {
		return nil, p.lacks(v, "type", `the field %q has no "type"`, f.name)
	}
	var err error
	p.in("type")
	if f.typ, err = p.schema(typ, namespace(of.name)); err != nil {
		return nil, err
	}
	p.out()
	if f.aliases, err = p.strings(v, "aliases"); err != nil {
		return nil, err
	}
	if order, ok := v.get("order"); ok {
		switch {
		case order.kind() == jsonString && (order.str() == "ascending" || order.str() == "descending" || order.str() == "ignore"):
			f.order = order.str()
		default:
			return nil, p.fail(order, `the order of field %q is none of "ascending", "descending", "ignore"`, f.name)
		}
	}
	if f.value, f.hasDefault = v.get("default"); f.hasDefault {
		p.defaults = append(p.defaults, pendingDefault{f, p.here()})
	}
	f.properties = custom(v, "name", "type", "doc", "default", "order", "aliases")
	return f, nil
}

func (p *parser) enum(v jsonValue, n *node, space string) (err error) {
	if err := p.define(v, n, space); err != nil {
		return err
	}
	symbols, ok := v.get("symbols")
	if !ok {
		return p.lacks(v, "symbols", `the enum %s has no array "symbols"`, n.name)
	}
	if n.symbols, err = p.strings(v, "symbols"); err != nil {
		return err
	}
	p.in("symbols")
	seen := make(map[string]int, len(n.symbols))
	for i, item := range symbols.items() {
		p.in(strconv.Itoa(i))
		symbol := n.symbols[i]
		if !p.legalName(symbol) {
			return p.fail(item, "the symbol %q is not legal: %s", symbol, nameRule)
		}
		if _, twice := seen[symbol]; twice {
			return p.fail(item, "the enum %s has the symbol %q twice", n.name, symbol)
		}
		seen[symbol] = i
		p.out()
	}
	p.out()
	if len(seen) > fewSymbols {
		n.numbers = seen
	}
	if fallback, ok := v.get("default"); ok {
		if n.fallback, err = p.fallback(fallback, n); err != nil {
			return err
		}
		if n.fallback == nil {
			p.properties(v, n, "type", "name", "namespace", "doc", "aliases", "symbols")
			return nil
		}
	}
	p.properties(v, n, "type", "name", "namespace", "doc", "aliases", "symbols", "default")
	return nil
}

// fallback reads an enum's default: nil if it is none in a stored schema.
func (p *parser) fallback(v jsonValue, n *node) (*string, error) {
	if v.kind() == jsonString && n.symbol(v.str()) >= 0 {
		symbol := v.str()
		return &symbol, nil
	}
	if p.stored {
		return nil, nil
	}
	p.in("default")
	return nil, p.fail(v, "the default %s is no symbol of the enum %s", excerpt(v), n.name)
}

func (p *parser) fixed(v jsonValue, n *node, space string) error {
	if err := p.define(v, n, space); err != nil {
		return err
	}
	value, ok := v.get("size")
	if !ok {
		return p.lacks(v, "size", `the fixed %s has no "size"`, n.name)
	}
	size, ok := value.integer()
	if !ok || size < 0 || size > math.MaxInt32 {
		p.in("size")
		return p.fail(value, "the size of %s is not a whole number from 0 to %d", n.name, math.MaxInt32)
	}
	n.size = int(size)
	p.properties(v, n, "type", "name", "namespace", "doc", "aliases", "size")
	return nil
}

// define reads the name and aliases of a named type and makes it known under its name.
func (p *parser) define(v jsonValue, n *node, space string) error {
	name, ok := v.get("name")
	switch {
	case !ok:
		return p.lacks(v, "name", `the %s has no "name"`, n.kind)
	case name.kind() != jsonString:
		return p.fail(name, `the "name" of the %s is %s, not a string`, n.kind, name.kind())
	}
	if ns, ok := v.get("namespace"); ok && ns.kind() != jsonNull {
		if ns.kind() != jsonString {
			p.in("namespace")
			return p.fail(ns, "the namespace is %s, not a string", ns.kind())
		}
		space = ns.str()
	}
	var err error
	if n.name, err = p.full(name, name.str(), space); err != nil {
		return err
	}
	if !p.legalFullName(n.name) {
		p.in("name")
		return p.fail(name, "the name %q is not legal: %s", n.name, nameRule)
	}
	if _, taken := primitives[simpleName(n.name)]; taken {
		p.in("name")
		return p.fail(name, "%q is the name of a primitive type: nothing else can be called so", simpleName(n.name))
	}
	if first, twice := p.names[n.name]; twice {
		p.in("name")
		return p.fail(name, "%s is defined a second time, first at %s: use its name to refer to it", n.name, first.position)
	}
	p.names[n.name] = n
	aliases, err := p.strings(v, "aliases")
	if err != nil {
		return err
	}
	for _, alias := range aliases {
		full, err := p.full(v, alias, namespace(n.name))
		if err != nil {
			return err
		}
		if !p.legalFullName(full) {
			p.in("aliases")
			return p.fail(v, "the alias %q is not legal: %s", alias, nameRule)
		}
		n.aliases = append(n.aliases, full)
	}
	n.doc = optionalText(v, "doc")
	return nil
}

// strings reads an optional array of strings.
func (p *parser) strings(v jsonValue, key string) ([]string, error) {
	list, ok := v.get(key)
	if !ok {
		return nil, nil
	}
	p.in(key)
	if list.kind() != jsonArray {
		return nil, p.fail(list, "%q is %s, not an array of strings", key, list.kind())
	}
	var all []string
	for i, item := range list.items() {
		if item.kind() != jsonString {
			p.in(strconv.Itoa(i))
			return nil, p.fail(item, "%s in %q, which is an array of strings", item.kind(), key)
		}
		all = append(all, item.str())
	}
	p.out()
	return all, nil
}

// optionalText reads a text that means nothing to machines: whatever else is there is passed over.
func optionalText(v jsonValue, key string) string {
	if text, ok := v.get(key); ok && text.kind() == jsonString {
		return text.str()
	}
	return ""
}

// properties keeps what the specification does not reserve, and reads the logical type.
func (p *parser) properties(v jsonValue, n *node, reserved ...string) {
	n.logical = logicalType(v, n)
	switch n.logical.name {
	case "":
	case "decimal":
		reserved = append(reserved, "logicalType", "precision", "scale")
	default:
		reserved = append(reserved, "logicalType")
	}
	n.properties = custom(v, reserved...)
}

func custom(v jsonValue, reserved ...string) (all []property) {
	var index map[string]int
	for key, value := range v.members() {
		name := key.str()
		if contains(reserved, name) {
			continue
		}
		if i, twice := index[name]; twice {
			all[i].value = value
			continue
		}
		if index == nil {
			index = map[string]int{}
		}
		index[name] = len(all)
		all = append(all, property{name, value})
	}
	return all
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

// maxNames bounds the bytes of all full names: each repeats its namespace.
const maxNames = 128 << 20

// full returns the full name of a name.
func (p *parser) full(at jsonValue, name, space string) (string, error) {
	if p.named += len(space) + len(name); p.named > maxNames {
		return "", p.fail(at, "the full names take more than %d bytes in all: shorten the namespace", maxNames)
	}
	return fullName(name, space), nil
}

const nameRule = "a name starts with a letter or _ and goes on with letters, digits and _, and a namespace is such names with dots between them"

func fullName(name, space string) string {
	if space == "" || strings.Contains(name, ".") {
		return name
	}
	return space + "." + name
}

func (p *parser) legalFullName(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if !p.legalName(part) {
			return false
		}
	}
	return true
}

// legalName reports whether the specification allows a name; in a stored schema the letters and digits may
// be of any script, as Avro Java has them.
func (p *parser) legalName(name string) bool {
	for i, c := range name {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || p.stored && unicode.IsLetter(c)
		digit := c >= '0' && c <= '9' || p.stored && unicode.IsDigit(c)
		if !letter && (i == 0 || !digit) {
			return false
		}
	}
	return name != ""
}
