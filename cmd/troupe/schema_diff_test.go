package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

const (
	orderOld = `{"type": "record", "name": "Order", "namespace": "shop", "doc": "An order.", "fields": [
  {"name": "id", "type": "string"},
  {"name": "qty", "type": "int"},
  {"name": "total", "type": "double"},
  {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID"]}},
  {"name": "payment", "type": ["null", {"type": "record", "name": "Card", "fields": [{"name": "number", "type": "string"}]}, "string"], "default": null},
  {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
    {"name": "sku", "type": "string"},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}}
  ]}}},
  {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}}
]}
`
	orderNew = `{"type": "record", "name": "Order", "namespace": "shop", "doc": "An order that was placed.", "fields": [
  {"name": "total", "type": "string"},
  {"name": "id", "type": "string"},
  {"name": "amount", "type": "long", "aliases": ["qty"]},
  {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID", "SENT"], "default": "NEW"}},
  {"name": "coupon", "type": ["null", "string"], "default": null},
  {"name": "payment", "type": ["null", {"type": "record", "name": "Card", "fields": [{"name": "number", "type": "string", "pii": true}]}], "default": null},
  {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
    {"name": "sku", "type": ["null", "string"], "default": null},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 4}}
  ]}}},
  {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-micros"}}
]}
`
	// orderReader reads what orderOld wrote.
	orderReader = `{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "id", "type": "string"},
  {"name": "amount", "type": "long", "aliases": ["qty"]},
  {"name": "status", "type": {"type": "enum", "name": "Status", "symbols": ["NEW", "UNKNOWN"], "default": "UNKNOWN"}},
  {"name": "coupon", "type": ["null", "string"], "default": null},
  {"name": "total", "type": ["null", "double"]},
  {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}}
]}
`
	orderDatum = `{"id": "o-1", "qty": 3, "total": 1.5, "status": "PAID", "payment": {"string": "cash"}, "lines": [], "placed_at": 1764000000000}`
)

func TestSchemaDiff_SaysWhatChangedAndWhomItBreaks(t *testing.T) {
	t.Run("golden", func(t *testing.T) {
		o := inFiles(t, "diff", "old.avsc", "new.avsc")
		expect(t, o, 0)
		goldenText(t, "schema_diff", o.stdout)
	})
	t.Run("json", func(t *testing.T) {
		o := inFiles(t, "diff", "old.avsc", "new.avsc", "-o", "json")
		expect(t, o, 0)
		var d diffJSON
		if err := json.Unmarshal([]byte(o.stdout), &d); err != nil {
			t.Fatal(err)
		}
		if d.Mode != "NONE" || d.NewReadsOld || d.OldReadsNew || len(d.Changes) < 10 || d.Changes[1].New.At != "new.avsc:2:29" {
			t.Errorf("%+v", d)
		}
	})
	t.Run("the same", func(t *testing.T) {
		o := inFiles(t, "diff", "old.avsc", "old.avsc")
		expect(t, o, 0)
		if want := "from old.avsc\nto   old.avsc\n\nno changes\nFULL: consumers with either schema read events of both\n"; o.stdout != want {
			t.Errorf("stdout %q", o.stdout)
		}
	})
	t.Run("one direction", func(t *testing.T) {
		o := inFiles(t, "diff", "old.avsc", "reader.avsc")
		expect(t, o, 0)
		if !strings.Contains(o.stdout, "\nBACKWARD: ") || !strings.Contains(o.stdout, "\ndeploy: all consumers first, then the producers\n") {
			t.Errorf("stdout %s", o.stdout)
		}
	})
	t.Run("the other direction", func(t *testing.T) {
		o := inFiles(t, "diff", "reader.avsc", "old.avsc")
		expect(t, o, 0)
		if !strings.Contains(o.stdout, "\nFORWARD: ") || !strings.Contains(o.stdout, "\ndeploy: all producers first") {
			t.Errorf("stdout %s", o.stdout)
		}
	})
}

// Consumers find their handler by an event's full name, which Avro does not look at.
func TestSchemaDiff_SaysThatARenamedEventHasNoHandler(t *testing.T) {
	inDirectory(t, map[string]string{
		"old.avsc":    `{"type": "record", "name": "shop.Order", "fields": [{"name": "id", "type": "int"}]}`,
		"moved.avsc":  `{"type": "record", "name": "sales.Order", "fields": [{"name": "id", "type": "int"}]}`,
		"alias.avsc":  `{"type": "record", "name": "sales.Sale", "aliases": ["shop.Order"], "fields": []}`,
		"backed.avsc": `{"type": "record", "name": "sales.Order", "aliases": ["shop.Order"], "fields": [{"name": "id", "type": "long"}]}`,
		"front.avsc":  `{"type": "record", "name": "sales.Order", "fields": [{"name": "id", "type": "int"}, {"name": "at", "type": "int"}]}`,
	})
	const order = "all consumers first, then the producers: those that know only shop.Order have no handler for sales."
	for file, want := range map[string]string{
		"moved.avsc":  `deploy: give sales.Order "aliases": ["shop.Order"], or its consumers have no handler for what is in the topic; then ` + order + "Order and pass it over",
		"backed.avsc": "deploy: " + order + "Order",
		"front.avsc":  "deploy: no order works: consumers that know only shop.Order have no handler for sales.Order",
		"alias.avsc":  "deploy: " + order + "Sale and pass it over",
		"old.avsc":    "no changes",
	} {
		o := troupeSchema(context.Background(), "", "diff", "old.avsc", file)
		if !strings.Contains(o.stdout, want) || strings.Contains(o.stdout, "nothing breaks") {
			t.Errorf("%s: it does not say %q:\n%s", file, want, o.stdout)
		}
	}
}

func TestSchemaDiff_JudgesOnlyWhenAsked(t *testing.T) {
	for _, c := range []struct {
		mode string
		code int
	}{{"BACKWARD", 0}, {"forward", 1}, {"FULL_TRANSITIVE", 1}, {"NONE", 0}, {"SIDEWARD", 2}} {
		expect(t, inFiles(t, "diff", "old.avsc", "reader.avsc", "--mode", c.mode), c.code)
	}
	expect(t, inFiles(t, "diff", "old.avsc", "reader.avsc", "--mode", "FULL"), 1, "troupe: reader.avsc may not follow old.avsc in mode FULL")
}

// inFiles runs troupe schema where the orders' schemas are.
func inFiles(t *testing.T, args ...string) outcome {
	t.Helper()
	inDirectory(t, map[string]string{"old.avsc": orderOld, "new.avsc": orderNew, "reader.avsc": orderReader, "datum.json": orderDatum})
	return troupeSchema(context.Background(), "", args...)
}

func TestSchemaHelp_HasAnExampleEach(t *testing.T) {
	for _, name := range []string{"diff", "explain", "resolve", "lint", "register", "get", "ls", "config"} {
		o := troupeSchema(context.Background(), "", name, "--help")
		expect(t, o, 0)
		if !strings.Contains(o.stdout, "Examples:\n  ") {
			t.Errorf("%s: %s", name, o.stdout)
		}
		o = troupeSchema(context.Background(), "", name, "--nope")
		expect(t, o, 2, "unknown flag: --nope;", "see troupe schema "+name+" --help")
	}
}

func TestHelp_LeadsToTheCheckAndToTroupesSubjects(t *testing.T) {
	if !strings.Contains(newRoot().Example, "troupe schema check ") || !strings.Contains(greeting(), "troupe schema check ") {
		t.Error("the help, or what troupe dev says, does not name troupe schema check")
	}
	for _, name := range []string{"diff", "resolve", "register", "get", "config", "serve"} {
		o := troupeSchema(context.Background(), "", name, "--help")
		expect(t, o, 0)
		_, examples, _ := strings.Cut(o.stdout, "Examples:")
		if strings.Contains(examples, "-value") || !strings.Contains(o.stdout, "orders-shop.OrderPlaced") {
			t.Errorf("%s teaches another subject than <topic>-<full name>: %s", name, o.stdout)
		}
	}
}

func TestSchema_AsksTheSameOfARegistryThatIsDown(t *testing.T) {
	inDirectory(t, map[string]string{"a.avsc": orderV1})
	t.Setenv("TROUPE_REGISTRY", "http://127.0.0.1:1")
	for _, args := range [][]string{{"ls"}, {"get", "s"}, {"config"}, {"config", "s", "--set", "FULL"}, {"register", "s", "a.avsc"}, {"diff", "s", "a.avsc"}, {"resolve", "id:1", "a.avsc"}} {
		expect(t, troupeSchema(context.Background(), "", append(args, "--timeout", "100ms")...), 2, "; is it up, and is the URL right?")
	}
}
