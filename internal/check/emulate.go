package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// What Confluent's registry is expected to say. Its checker is Avro Java's.
const (
	saysCompatible   = "compatible"
	saysIncompatible = "incompatible"
	saysError        = "an error" // the checker throws
)

// emulate predicts the verdict of Confluent's registry about a schema.
func emulate(mode schema.Mode, candidate *schema.Schema, history []*version) string {
	if !strings.HasSuffix(string(mode), "_TRANSITIVE") {
		history = history[len(history)-1:]
	}
	verdict := saysCompatible
	for _, old := range history {
		if old.schema == nil {
			continue
		}
		for _, p := range []struct {
			asked          bool
			writer, reader *schema.Schema
		}{{wantsBackward(mode), old.schema, candidate}, {wantsForward(mode), candidate, old.schema}} {
			if !p.asked {
				continue
			}
			switch v := confluent(p.writer, p.reader); {
			case v == saysError:
				return v
			case v == saysIncompatible:
				verdict = v
			}
		}
	}
	return verdict
}

// worst is the verdict about several versions, "" where there is none.
func worst(a, b string) string {
	order := []string{"", saysCompatible, saysIncompatible, saysError}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// confluentSays is what to tell about a finding when Confluent's registry sees it in another way.
func confluentSays(f Finding, verdict string) string {
	switch {
	case f.Warning || f.Kind == Contract || f.Kind == OfSubject:
		return ""
	case f.Rule == schema.DecimalMismatch:
		return "Confluent's registry does not look at precision and scale: it lets this pass"
	case f.Rule == schema.AmbiguousAlias && verdict == saysError:
		return "Confluent's checker throws where one field fits two: expect an error instead of a verdict"
	case f.Rule == schema.AmbiguousAlias:
		return "Confluent's registry lets two fields read the same old one, but consumers then fill only one of them"
	case verdict == saysCompatible:
		return "Confluent's registry misses this one: it forgets what it found within a recursive type"
	}
	return ""
}

// confluent predicts what Avro Java's compatibility check says about a pair of schemas. It is the same walk as
// schema.Resolve's but for what Java does otherwise: precision and scale don't matter, a field that fits two
// is an exception, and what was concluded about a recursive type while it was still being looked at is kept.
func confluent(writer, reader *schema.Schema) (verdict string) {
	j := javaCheck{memo: map[[2]*shape]bool{}}
	defer func() {
		if thrown := recover(); thrown != nil {
			if thrown != errAmbiguous {
				panic(thrown)
			}
			verdict = saysError
		}
	}()
	if j.reads(read(reader).root, read(writer).root) {
		return saysCompatible
	}
	return saysIncompatible
}

var errAmbiguous = fmt.Errorf("a reader's field matches several of the writer's")

// javaCheck is one run of Java's check.
type javaCheck struct {
	memo map[[2]*shape]bool
}

// reads reports whether a type reads another one.
func (j *javaCheck) reads(r, w *place) bool {
	key := [2]*shape{r.shape, w.shape}
	if known, ok := j.memo[key]; ok {
		return known
	}
	j.memo[key] = true // as long as it is being looked at
	j.memo[key] = j.look(r, w)
	return j.memo[key]
}

func (j *javaCheck) look(r, w *place) bool {
	if w.kind == "union" && r.kind == "union" {
		ok := true
		for _, b := range w.branches {
			ok = j.reads(r, b) && ok
		}
		return ok
	}
	if r.kind == w.kind {
		return j.same(r, w)
	}
	if w.kind == "union" {
		if len(w.branches) == 1 {
			return j.reads(r, w.branches[0])
		}
		ok := true
		for _, b := range w.branches {
			ok = j.reads(r, b) && ok
		}
		return ok
	}
	if r.kind == "union" {
		return slices.ContainsFunc(r.branches, func(b *place) bool { return j.reads(b, w) })
	}
	return promotes[[2]string{w.kind, r.kind}]
}

var promotes = map[[2]string]bool{
	{"int", "long"}: true, {"int", "float"}: true, {"int", "double"}: true, {"long", "float"}: true,
	{"long", "double"}: true, {"float", "double"}: true, {"string", "bytes"}: true, {"bytes", "string"}: true,
}

// same compares two types of the same kind.
func (j *javaCheck) same(r, w *place) bool {
	named := simple(r.name) == simple(w.name) || slices.Contains(r.aliases, w.name)
	switch r.kind {
	case "array", "map":
		return j.reads(r.items, w.items)
	case "fixed":
		return named && r.size == w.size
	case "enum":
		lost := slices.ContainsFunc(w.symbols, func(s string) bool { return !slices.Contains(r.symbols, s) })
		return named && (!lost || r.fallback != nil)
	case "record":
		return j.record(r.shape, w.shape) && named
	}
	return true
}

func (j *javaCheck) record(r, w *shape) bool {
	ok := true
	for _, f := range r.fields {
		var found []*shapeField
		for _, name := range f.names() {
			if of := w.field(name); of != nil { // one that is named twice counts twice
				found = append(found, of)
			}
		}
		switch len(found) {
		case 0:
			ok = ok && f.hasDefault()
		case 1:
			ok = j.reads(f.typ, found[0].typ) && ok
		default:
			panic(errAmbiguous)
		}
	}
	return ok
}
