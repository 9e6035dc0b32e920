package check

import (
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

func TestRun_SaysWhatChangedAndWhoMinds(t *testing.T) {
	base := record("Order", `"id": "string"`, `"qty": "int"`)
	for _, c := range []struct {
		name, old, new string
		mode           schema.Mode
		want           []string
		not            string
	}{
		{"nothing", base, base, "", []string{"1 compatible"}, "Changed"},
		{"docs only", base, strings.Replace(base, `"fields"`, `"doc": "An order.", "fields"`, 1), "", []string{"1 compatible"}, "Changed"},
		{"order matters", base, orderV1, "", []string{
			"▲ shop.Order  new/order.avsc: safe if deployed in this order: consumers first, then producers; BACKWARD",
			"Changed: qty (int) removed. A consumer still on old fails on every new event: it needs qty.", "1 compatible if deployed in order (against ",
		}, "✓"},
		{"any order", orderV1, orderV2, "", []string{"compatible; BACKWARD", "Changed: total (long) added. Deploy: any order"}, "consumer still"},
		{"a default is new", base, record("Order", `"id": "string"`, `"qty": "int", "default": 1`), "", []string{"Changed: qty: default changed (none -> 1)"}, "warning"},
		{"a default is gone", record("Order", `"qty": "int", "default": 1`), record("Order", `"qty": "int"`), "", []string{
			"qty lost its default: events from before the field existed can no longer be read.", `{"name": "qty", "type": "int", "default": 1}`, "1 compatible, 1 warning",
		}, "unchanged"},
		{"a default is gone, and only old consumers count", record("Order", `"qty": "int", "default": 1`), record("Order", `"qty": "int"`), schema.Forward,
			[]string{"Changed: qty: default changed"}, "warning"},
		{"renamed record", base, strings.Replace(record("Purchase", `"id": "string"`, `"qty": "int"`), `"fields"`, `"aliases": ["Order"], "fields"`, 1), "", []string{
			"all consumers first, then producers", "A consumer still on old has no handler for shop.Purchase: it passes these events over and only counts them (Stats.Unrouted), without a dead letter.",
		}, "no order"},
		{"renamed field in an old consumer's eyes", record("Order", `"note": "string", "default": ""`), record("Order", `"remark": "string", "default": ""`), schema.Forward, []string{
			`remark is new and note is gone, both string: if it was renamed, values of note become "" (the default).`, "1 warning",
		}, "✗"},
		{"several that may be renamed", record("Order", `"a": "int", "default": 1`, `"b": "int", "default": 1`), record("Order", `"c": "int", "default": 1`, `"d": "int", "default": 1`), "", []string{
			"c and d are new and a and b are gone, all int: if some were renamed, values of a and b become 1 (the default).",
		}, "✗"},
		{"another type is no renaming", record("Order", `"a": "int", "default": 1`), record("Order", `"c": "string", "default": ""`), "", []string{"1 compatible ("}, "warning"},
		{"waived only", base, record("Order", `"id": "int"`, `"qty": "int"`), "", []string{"If you can't use the fix: publish the changed event under a new name (such as Order2), write both until every consumer has moved, then stop the old one.",
			"troupe schema explain RULE says what a rule means.\n"}, "no order works"},
		{"one alias is all", record("Order", `"by": "int"`), record("Order", `"delta": "int"`), "", []string{
			`Fix: if "delta" is the old "by":`, `{"name": "delta", "type": "int", "aliases": ["by"]}`,
			`Or if it is a new field (old events then read as 0, their "by" is dropped):`, `{"name": "delta", "type": "int", "default": 0}`,
			"Deploy: with the alias, consumers first, then producers. A consumer still on old fails on every new event: it needs by.",
		}, "If you can't use the fix"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, o := inFiles(t, "old/order.avsc", c.old, "new/order.avsc", c.new)
			o.Mode = c.mode
			got := text(t, w.check(o))
			says(t, got, c.want...)
			if strings.Contains(got, c.not) {
				t.Errorf("it says %q:\n%s", c.not, got)
			}
		})
	}
}

func TestRun_AFieldThatMayBeRenamedFailsWhenStrict(t *testing.T) {
	optional := func(name string) string { return record("Order", `"`+name+`": ["null", "string"], "default": null`) }
	w, o := inFiles(t, "old/order.avsc", optional("note"), "new/order.avsc", optional("remark"))
	r := w.check(o)
	says(t, text(t, r), "remark is new and note is gone, both [null,string]: if it was renamed, values of note become null (the default).",
		`add "aliases": ["note"]`, `{"name": "remark", "type": ["null", "string"], "default": null, "aliases": ["note"]}`)
	if r.Summary.Exit != 0 {
		t.Errorf("exit %d", r.Summary.Exit)
	}
	o.Strict = true
	if r := w.check(o); r.Summary.Exit != 1 {
		t.Error(text(t, r))
	}
	w.write("new/order.avsc", record("Order", `"remark": ["null", "string"], "default": null, "aliases": ["note"]`))
	if r := w.check(o); r.Summary.Exit != 0 {
		t.Error(text(t, r))
	}
}

// What passes in one order only is told apart from what passes in each, by machines too.
func TestFormat_ChangesThatNeedAnOrderAreMarked(t *testing.T) {
	w, o := inFiles(t, "old/order.avsc", record("Order", `"id": "string"`, `"total": "long"`), "new/order.avsc", orderV1, "old/item.avsc", record("Item", `"id": "string"`), "new/item.avsc", record("Item", `"id": "string"`, `"n": "int", "default": 0`))
	r := w.check(o)
	says(t, r.String(), "1 compatible if deployed in order, 1 compatible (against ")
	for format, want := range map[string]string{
		"json":     `"ordered": 1,`,
		"junit":    "<system-out>Safe if deployed in this order: consumers first, then producers; BACKWARD (from the default), compared with old&#xA;Changed: total (long) removed.",
		"markdown": "- ▲ **shop.Order** (",
		"github":   "::Safe if deployed in this order: consumers first, then producers.",
	} {
		var b strings.Builder
		if err := r.Write(&b, format, Style{}); err != nil {
			t.Fatal(err)
		}
		says(t, b.String(), want)
	}
}

func TestFormat_CopiesAreToldOnce(t *testing.T) {
	w := newRepository(t)
	for _, text := range []string{orderV1, orderBad} {
		w.commit("a/order.avsc", text, "b/order.avsc", text, "c/order.avsc", "\n"+text, "d/order.avsc", orderV1)
	}
	r := w.check(w.options())
	out := text(t, r)
	says(t, out, "✗ shop.Order  a/order.avsc\n", "  The same is in 2 other files: b/order.avsc and c/order.avsc.\n", "3 subjects breaking, 1 compatible")
	if n := strings.Count(out, "READER_FIELD_MISSING_DEFAULT_VALUE"); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, out)
	}
	var b strings.Builder
	if err := r.Write(&b, "github", Style{}); err != nil {
		t.Fatal(err)
	}
	says(t, b.String(), "file=a/order.avsc", "file=b/order.avsc", "file=c/order.avsc")
}
