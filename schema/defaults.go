package schema

import (
	"fmt"
	"math"
	"strings"
)

// maxDefaultSteps bounds the work on the defaults of one schema: unions of
// records in unions of records could ask for more than a lifetime of it.
const maxDefaultSteps = 1_000_000

// maxFlawPaths is how many flaws of a stored schema have a path: they may be deep and many.
const maxFlawPaths = 1000

// defaultChecker checks the defaults of one schema.
type defaultChecker struct {
	steps   int
	state   map[*field]checkState
	problem string
}

type checkState uint8

const (
	checking checkState = iota + 1
	checked
)

func (p *parser) checkDefaults() error {
	c := defaultChecker{state: map[*field]checkState{}}
	flaws := 0
	for _, d := range p.defaults {
		if c.field(d.field) {
			continue
		}
		flaw := &ParseError{
			Position: d.field.value.position(),
			Problem:  fmt.Sprintf("the default of field %q: %s", head(d.field.name, maxName), c.problem),
		}
		if flaws++; flaws <= maxFlawPaths {
			flaw.Path = d.path.String() + "/default"
		}
		if !p.stored {
			return flaw
		}
		d.field.flaw = flaw
	}
	return nil
}

// field checks the default of f once.
func (c *defaultChecker) field(f *field) bool {
	switch c.state[f] {
	case checked:
		return true
	case checking:
		return c.bad("it has no end, because it leaves out a field whose default leads back to it")
	}
	c.state[f] = checking
	if !c.fits(f.typ, f.value) {
		delete(c.state, f)
		return false
	}
	c.state[f] = checked
	return true
}

func (c *defaultChecker) bad(format string, args ...any) bool {
	c.problem = fmt.Sprintf(format, args...)
	return false
}

// fits reports whether v is a value of type n; if not, c.problem says why.
func (c *defaultChecker) fits(n *node, v jsonValue) bool {
	if c.steps++; c.steps > maxDefaultSteps {
		return c.bad("checking it takes more than %d steps", maxDefaultSteps)
	}
	switch n.kind {
	case kindUnion:
		for _, branch := range n.branches {
			if _, text := noNumber(v); text && branch.floating() {
				continue
			}
			if c.fits(branch, v) {
				return true
			}
		}
		if c.steps > maxDefaultSteps {
			return false // nobody knows whether it fits
		}
		return c.bad("%s fits no branch of its union", excerpt(v))
	case kindRecord:
		return c.record(n, v)
	case kindArray:
		if v.kind() != jsonArray {
			return c.wrong(n, v)
		}
		for _, item := range v.items() {
			if !c.fits(n.items, item) {
				return false
			}
		}
		return true
	case kindMap:
		if v.kind() != jsonObject {
			return c.wrong(n, v)
		}
		for _, value := range v.members() {
			if !c.fits(n.items, value) {
				return false
			}
		}
		return true
	}
	return scalarFits(n, v) || c.wrong(n, v)
}

func (c *defaultChecker) record(n *node, v jsonValue) bool {
	if v.kind() != jsonObject {
		return c.wrong(n, v)
	}
	given := map[string]jsonValue{}
	for key, value := range v.members() {
		given[key.str()] = value
	}
	if c.steps += len(given) + len(n.fields)/8; c.steps > maxDefaultSteps {
		return c.bad("checking it takes more than %d steps", maxDefaultSteps)
	}
	for _, f := range n.fields {
		value, there := given[f.name]
		switch {
		case there && !c.fits(f.typ, value):
			return false
		case !there && (!f.hasDefault || f.flaw != nil):
			return c.bad("%s leaves out the field %q of %s, which has no default", excerpt(v), head(f.name, maxName), head(n.name, maxName))
		case !there && !c.field(f):
			return false
		}
	}
	return true
}

func (c *defaultChecker) wrong(n *node, v jsonValue) bool {
	what := n.kind.String()
	switch n.kind {
	case kindRecord, kindEnum:
		what += " " + head(n.name, maxName)
	case kindFixed:
		what = fmt.Sprintf("fixed %s (a string of %d characters up to U+00FF)", head(n.name, maxName), n.size)
	case kindBytes:
		what = "bytes (a string of characters up to U+00FF)"
	}
	return c.bad("%s is not a value of type %s", excerpt(v), what)
}

func scalarFits(n *node, v jsonValue) bool {
	switch n.kind {
	case kindNull:
		return v.kind() == jsonNull
	case kindBoolean:
		return v.kind() == jsonTrue || v.kind() == jsonFalse
	case kindInt:
		i, ok := v.integer()
		return ok && i >= math.MinInt32 && i <= math.MaxInt32
	case kindLong:
		_, ok := v.integer()
		return ok
	case kindFloat, kindDouble:
		_, text := noNumber(v)
		return text || v.kind() == jsonNumber
	case kindString:
		return v.kind() == jsonString
	case kindEnum:
		return v.kind() == jsonString && n.symbol(v.str()) >= 0
	case kindBytes:
		_, ok := byteString(v)
		return ok
	case kindFixed:
		size, ok := byteString(v)
		return ok && size == n.size
	}
	return false
}

// floating reports whether n is a float or a double.
func (n *node) floating() bool { return n.kind == kindFloat || n.kind == kindDouble }

// noNumber returns what a default stands for that JSON has no number for. Avro Java writes and reads such
// texts for a float or a double, but not for one in a union, which may have a string as well.
func noNumber(v jsonValue) (float64, bool) {
	switch v.raw() {
	case `"NaN"`:
		return math.Float64frombits(nanDouble), true
	case `"Infinity"`:
		return math.Inf(1), true
	case `"-Infinity"`:
		return math.Inf(-1), true
	}
	return 0, false
}

// byteString returns how many bytes a string stands for: each character up to U+00FF is one.
func byteString(v jsonValue) (size int, ok bool) {
	if v.kind() != jsonString {
		return 0, false
	}
	for _, r := range v.str() {
		if r > 0xff {
			return 0, false
		}
		size++
	}
	return size, true
}

// excerpt returns a value's JSON, cut when it is long.
func excerpt(v jsonValue) string {
	return strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(head(v.raw(), 60))
}

// head returns the beginning of a text that is longer than that.
func head(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
