package check

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hamba/avro/v2"
	"github.com/hamba/avro/v2/gen"
)

// avrogen makes Go code of schemas as avrogen -encoders does.
func avrogen(t *testing.T, full bool, schemas ...string) string {
	t.Helper()
	g := gen.NewGenerator("contract", nil, gen.WithEncoders(true), gen.WithFullSchema(full))
	for _, text := range schemas {
		s, err := avro.ParseBytesWithCache([]byte(text), "", &avro.SchemaCache{})
		if err != nil {
			t.Fatal(err)
		}
		g.Parse(s)
	}
	var b bytes.Buffer
	if err := g.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const generate = "package contract\n\n//go:generate go tool avrogen -pkg contract -encoders -o events_gen.go ../schemas/order.avsc\n"

func TestGenerated_CodeWithoutDefaultsFails(t *testing.T) {
	order := record("Order", `"id": "string"`, `"amount": "long", "default": 0`, `"currency": "string", "default": "EUR", "aliases": ["cur"]`,
		`"state": {"type": "enum", "name": "State", "symbols": ["NEW", "UNKNOWN"], "default": "UNKNOWN"}, "default": "NEW"`)
	w := newRepository(t)
	w.commit("schemas/order.avsc", record("Order", `"id": "string"`))
	w.commit("schemas/order.avsc", order, "contract/doc.go", generate, "contract/events_gen.go", avrogen(t, false, order))
	out := text(t, w.check(w.options()))
	says(t, out, "Programs read and write with the schema in contract/events_gen.go:", ", not with schemas/order.avsc:", "GENERATED_CODE_DIFFERS",
		"The defaults of amount, currency and state, and the aliases of currency are missing there: it was generated without -fullschema",
		`Fix: add -fullschema to avrogen in the //go:generate line, and run "go generate ./...".`, "1 subject breaking")
	if strings.Contains(out, "go out all the same") {
		t.Error(out)
	}
	w.exits(w.options("schemas"), 1, "GENERATED_CODE_DIFFERS")
	o := w.options()
	o.Dir = filepath.Join(w.dir, "schemas")
	w.exits(o, 1, "../contract/events_gen.go:")
	w.exits(w.waived(w.options(), w.check(w.options())), 0, "1 waived")

	w.commit("contract/events_gen.go", avrogen(t, true, order))
	w.exits(w.options(), 0, "1 compatible")
}

func TestGenerated_OldCodeFails(t *testing.T) {
	old := record("Order", `"id": "string"`)
	order := record("Order", `"id": "string"`, `"amount": "long", "default": 0`)
	w := newRepository(t)
	w.commit("schemas/order.avsc", old)
	w.commit("schemas/order.avsc", old, "contract/doc.go", strings.Replace(generate, " -o", " -fullschema -o", 1), "contract/events_gen.go", avrogen(t, true, old))
	w.exits(w.options(), 0, "1 compatible")
	w.commit("schemas/order.avsc", order)
	says(t, text(t, w.check(w.options())), "The code is older than the schema: amount (long) added.", `Fix: run "go generate ./...".`, "1 subject breaking")
	w.commit("contract/doc.go", generate, "contract/events_gen.go", avrogen(t, false, record("Order", `"id": "string", "default": ""`)))
	says(t, text(t, w.check(w.options())), "The code is older than the schema (amount (long) added), and is generated without -fullschema")
	w.commit("schemas/order.avsc", record("Purchase", `"id": "string"`), "contract/events_gen.go", avrogen(t, true, old))
	o := w.options()
	o.AllowDeleted, o.AllowNew = true, true
	w.exits(o, 1, "Programs know no shop.Purchase: contract/events_gen.go was generated before that was in schemas/order.avsc:",
		"The //go:generate line makes events_gen.go from order.avsc, and it has no shop.Purchase.")
	w.write(".gitignore", "*_gen.go")
	w.git("rm", "--quiet", "--cached", "contract/events_gen.go")
	w.exits(o, 0)
}

// Only a default is new: without -fullschema the code would look the same, but for its docs.
func TestGenerated_CodeThatIsOldIsNotBlamedOnAFlagThatIsThere(t *testing.T) {
	full := strings.Replace(generate, " -o", " -fullschema -o", 1)
	for doc, want := range map[string]string{
		`, "doc": "it"`: "The code is older than the schema: id: default changed",
		"":              "The default of id is missing there: the code is older than the schema, or was generated without the -fullschema that its //go:generate line has.",
	} {
		old, order := record("Order", `"id": "string"`+doc), record("Order", `"id": "string", "default": ""`+doc)
		w := newRepository(t)
		w.commit("schemas/order.avsc", old, "contract/doc.go", full, "contract/events_gen.go", avrogen(t, true, old))
		w.commit("schemas/order.avsc", order)
		says(t, text(t, w.check(w.options())), want, `Fix: run "go generate ./...".`, "1 subject breaking")
	}
}

// What avrogen itself changes is not held against the code, and code of another file is none of this one.
func TestGenerated_WhatNobodyCanRepairPasses(t *testing.T) {
	order := "// an order\n" + record("Order", `"id": "string", "doc": "it", "pii": true, "order": "ignore"`, `"at": {"type": "long", "logicalType": "timestamp-nanos"}`,
		`"weight": "double", "default": 0`, `"hash": {"type": "fixed", "name": "H", "size": 2}, "default": "\u0000\u0001"`, `"raw": "bytes", "default": "null"`)
	plain := strings.TrimPrefix(order, "// an order\n")
	w := newRepository(t)
	w.commit("a/order.avsc", order, "a/events_gen.go", avrogen(t, true, plain), "b/order_gen.go", avrogen(t, true, record("Order", `"x": "int"`)),
		"c/v1.avsc", orderV1, "c/v2.avsc", orderV2, "c/events_gen.go", avrogen(t, true, orderV2))
	o := w.options("a")
	o.AllowNew = true
	w.exits(o, 0)
	o = w.options("c")
	o.AllowNew = true
	w.exits(o, 0)
	w.write("c/events_gen.go", avrogen(t, true, record("Order", `"y": "int"`)))
	w.exits(o, 1, "GENERATED_CODE_DIFFERS")
}

func TestGenerated_CodeIsFoundWithoutGit(t *testing.T) {
	w := &workplace{t, t.TempDir()}
	w.write("old/order.avsc", orderV1, "new/order.avsc", orderV2, "new/events_gen.go", avrogen(t, true, orderV1))
	o := w.options("new")
	o.Against = "old"
	w.exits(o, 1, "GENERATED_CODE_DIFFERS", "new/events_gen.go:")
	o.Paths = []string{"new/order.avsc"} // a single file: nobody walks through a whole disk for it
	w.exits(o, 0)
}
