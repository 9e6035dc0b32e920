package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/troupe-go/troupe/schema"
)

func widest(t *testing.T, of string) (n int) {
	t.Helper()
	for line := range strings.Lines(of) {
		n = max(n, text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")))
	}
	return n
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestRenderSubjects_FitsTheTerminalAndIsWholeInAPipe(t *testing.T) {
	long := subjectSummary{Subject: "customers.orders.international-com.example.customers.orders.international.OrderPlaced", Versions: []int{1, 2, 3, 5, 7, 8, 11},
		ID: 123456, Level: schema.BackwardTransitive, Name: "com.example.customers.orders.international.OrderPlaced日本"}
	for _, width := range []int{80, 100, 160} {
		var b bytes.Buffer
		renderSubjects(&b, []subjectSummary{{Subject: "a", Versions: []int{1}, Problem: "it is JSON Schema"}, long}, width)
		if n := widest(t, b.String()); n > width || n < width-1 { // a wide character may not fit into the last one
			t.Errorf("%d characters for %d:\n%s", n, width, &b)
		}
		contains(t, b.String(), "BACKWARD_TRANSITIVE", "123456", "customers.orders.intern", "…")
	}
	var b bytes.Buffer
	renderSubjects(&b, []subjectSummary{long}, 0)
	contains(t, b.String(), long.Subject, long.Name, "1-3, 5, 7-8, 11")
}

func TestResolutionText_FitsTheTerminalAndIsWholeInAPipe(t *testing.T) {
	parse := func(field string) *source {
		s, err := schema.Parse(`{"type": "record", "name": "shop.customers.Order", "fields": [
			{"name": "delivery", "type": {"type": "record", "name": "shop.customers.delivery.International", "fields": [` + field + `]}}]}`)
		if err != nil {
			t.Fatal(err)
		}
		return &source{name: "s", schema: s}
	}
	r := &resolution{writer: parse(`{"name": "customs", "type": "int"}, {"name": "declared_value_of_the_parcel", "type": ["null", "string", "int", "double"]}`),
		reader: parse(`{"name": "customs_office", "aliases": ["customs"], "type": "long"}, {"name": "declared_value_of_the_parcel", "type": ["null", "double", "int", "string"], "default": null}`)}
	r.plan, r.refused = schema.Resolve(r.writer.schema, r.reader.schema)
	whole, err := resolutionText(r, 0)
	if err != nil || r.refused != nil {
		t.Fatal(err, r.refused)
	}
	contains(t, whole, "shop.customers.Order.delivery.declared_value_of_the_parcel")
	if n := widest(t, whole); n <= 100 {
		t.Fatalf("it has %d characters already:\n%s", n, whole)
	}
	for _, width := range []int{80, 100} {
		cut, err := resolutionText(r, width)
		if n := widest(t, cut); err != nil || n > width {
			t.Errorf("%d characters for %d, %v:\n%s", n, width, err, cut)
		}
		contains(t, cut, "promote", ".customs_office", "_value_of_the_parcel", "…")
	}
}
