package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	lintedOrder = `{"type": "record", "name": "Order", "namespace": "shop", "doc": "An order.", "fields": [
  {"name": "total", "type": "double", "doc": "In euros."},
  {"name": "placed_at", "type": "long", "logicalType": "timestamp-millis", "doc": "When."},
  {"name": "ship_to", "type": "Address", "doc": "Where to."}
]}`
	lintedAddress = `{"type": "record", "name": "Address", "namespace": "shop", "doc": "A place.", "fields": [
  {"name": "street", "type": "string", "doc": "With number."}
]}`
)

func TestSchemaLint_FindsInFilesThatUseEachOther(t *testing.T) {
	inDirectory(t, map[string]string{"schemas/order.avsc": lintedOrder, "schemas/parts/address.avsc": lintedAddress, "schemas/.git/x.avsc": "{", "schemas/README": "no"})
	ctx := context.Background()
	o := troupeSchema(ctx, "", "lint", "schemas")
	expect(t, o, 1, "troupe: 2 schemas: 1 error, 2 warnings, 0 infos")
	goldenText(t, "schema_lint", o.stdout)
	o = troupeSchema(ctx, "", "lint", "schemas", "-o", "github")
	expect(t, o, 1)
	goldenText(t, "schema_lint_github", o.stdout)
	o = troupeSchema(ctx, "", "lint", "schemas", "-o", "json")
	expect(t, o, 1)
	var found []findingJSON
	if err := json.Unmarshal([]byte(o.stdout), &found); err != nil || len(found) != 3 || found[0].File != "schemas/order.avsc" || found[0].Line != 2 {
		t.Errorf("%v %+v", err, found)
	}
	o = troupeSchema(ctx, "", "lint", "schemas", "--disable", "money_as_float,LOGICAL_TYPE_IGNORED,PII_UNMARKED")
	expect(t, o, 0, "2 schemas: 0 errors, 0 warnings, 0 infos")
	if o.stdout != "" {
		t.Errorf("stdout %s", o.stdout)
	}
}

// What check does not look at is not linted either, unless somebody names it.
func TestSchemaLint_LooksAtWhatTroupeYAMLNames(t *testing.T) {
	inDirectory(t, map[string]string{
		"troupe.yaml":                      "schema:\n  paths: [schemas]\n  exclude: ['**/testdata/**', old]\n  contracts: schemas/readers\n",
		"schemas/order.avsc":               lintedOrder, // uses parts/address.avsc
		"schemas/testdata/x.avsc":          "{",
		"schemas/old/order.avsc":           "{",
		"schemas/readers/billing/r.avsc":   "{",
		"parts/address.avsc":               lintedAddress,
		"parts/testdata/address.avsc":      lintedAddress,
		"elsewhere/contracts/address.avsc": strings.Replace(lintedAddress, "Address", "Other", 1),
		"other.yaml":                       "schema:\n  paths: [elsewhere]\n",
		"broken.yaml":                      "schema:\n  path: [elsewhere]\n",
	})
	ctx := context.Background()
	found := func(code int, files string, args ...string) {
		t.Helper()
		o := troupeSchema(ctx, "", append([]string{"lint", "-o", "json"}, args...)...)
		expect(t, o, code)
		var all []findingJSON
		if err := json.Unmarshal([]byte(o.stdout), &all); err != nil {
			t.Fatal(err, o.stderr)
		}
		in := []string{}
		for _, f := range all {
			in = append(in, f.File)
		}
		slices.Sort(in)
		if got := strings.Join(slices.Compact(in), " "); got != files {
			t.Errorf("lint %v looks at %q, want %q", args, got, files)
		}
	}
	found(1, "schemas/order.avsc")
	found(1, "elsewhere/contracts/address.avsc parts/address.avsc schemas/order.avsc", ".", "--config", "troupe.yaml")
	found(0, "elsewhere/contracts/address.avsc", "--config", "other.yaml")
	found(0, "parts/testdata/address.avsc", "parts/testdata")
	found(0, "parts/address.avsc", "parts")
	expect(t, troupeSchema(ctx, "", "lint", "schemas/readers/billing/r.avsc"), 2, "not JSON")
	expect(t, troupeSchema(ctx, "", "lint", "--config", "broken.yaml"), 2, "broken.yaml:2", "path")
	expect(t, troupeSchema(ctx, "", "lint", "--config", "nope.yaml"), 2, "nope.yaml")
	t.Chdir("schemas")
	found(1, "order.avsc")
	if err := os.Remove("order.avsc"); err != nil {
		t.Fatal(err)
	}
	expect(t, troupeSchema(ctx, "", "lint"), 2, "there is no .avsc file in . but 3 files that ../troupe.yaml leaves out, so nothing was linted")
}

func TestSchemaLint_FindsTypesInFilesWithComments(t *testing.T) {
	inDirectory(t, map[string]string{"order.avsc": "/* a licence */\n" + lintedOrder, "address.avsc": "// a licence\n" + lintedAddress})
	o := troupeSchema(context.Background(), "", "lint", "--disable", "money_as_float,LOGICAL_TYPE_IGNORED,PII_UNMARKED")
	expect(t, o, 0, "2 schemas: 0 errors, 0 warnings, 0 infos")
}

func TestSchemaLint_IsNeverGreenWithoutHavingLooked(t *testing.T) {
	inDirectory(t, map[string]string{
		"empty/README": "nothing", "bad/a.avsc": "{", "bad/b.avsc": lintedAddress, "worse/a.avsc": "[", "worse/b.avsc": "7",
		"lone/order.avsc": lintedOrder,
	})
	ctx := context.Background()
	expect(t, troupeSchema(ctx, "", "lint", "empty"), 2, "there is no .avsc file in empty, so nothing was linted")
	expect(t, troupeSchema(ctx, "", "lint", "nope"), 2, "read nope: no such file")
	o := troupeSchema(ctx, "", "lint", "bad")
	expect(t, o, 2, "bad/a.avsc:1:1: not JSON", "1 schema: 0 errors, 1 warning")
	if !strings.Contains(o.stdout, "PII_UNMARKED") {
		t.Errorf("stdout %s", o.stdout)
	}
	o = troupeSchema(ctx, "", "lint", "worse", "bad")
	if want := []string{"troupe: avro schema bad/a.avsc:1:1: ", "troupe: avro schema worse/a.avsc:1:1: ", "troupe: avro schema worse/b.avsc:1:1: ",
		"troupe: 3 files could not be linted; 1 schema: 0 errors, 1 warning, 0 infos in the others"}; o.code != 2 || strings.Count(o.stderr, "\n") != len(want) {
		t.Errorf("exit code %d, want 2 and a line for each file: %s", o.code, o.stderr)
	} else {
		contains(t, o.stderr, want...)
	}
	expect(t, troupeSchema(ctx, "", "lint", "lone"), 2, `unknown type "Address"`, "--references")
	expect(t, troupeSchema(ctx, "", "lint", "lone", "--references", "bad/b.avsc"), 1)
	expect(t, troupeSchema(ctx, lintedAddress, "lint", "-", "--disable", "PII_UNMARKED"), 0)
	expect(t, troupeSchema(ctx, "", "lint", "bad/b.avsc", "--disable", "PII_UNMARKD"), 2, `there is no lint rule "PII_UNMARKD"; did you mean PII_UNMARKED?`)
	expect(t, troupeSchema(ctx, "", "lint", "bad/b.avsc", "-o", "yaml"), 2, `-o "yaml" is none of text, json, github`)
	o = troupeSchema(ctx, "", "lint", "bad/a.avsc")
	expect(t, o, 2, "bad/a.avsc:1:1: not JSON")
	if strings.Contains(o.stderr, "in the others") {
		t.Errorf("there are no others: %s", o.stderr)
	}
}
