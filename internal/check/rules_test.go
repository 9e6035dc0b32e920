package check

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

// Each directory of testdata/rules is a change, with what is said about it in mode FULL.
func TestRules_SayWhoBreaksAndHowToRepairIt(t *testing.T) {
	dirs, err := os.ReadDir("testdata/rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		t.Run(d.Name(), func(t *testing.T) {
			dir := filepath.Join("testdata/rules", d.Name())
			r, err := Run(t.Context(), Options{
				Dir: dir, Paths: []string{"new.avsc"}, Against: "file:old.avsc", Mode: schema.Full, Confluent: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(dir, "want.txt"), text(t, r))
		})
	}
}

func TestFix_LeavesNoTypeThatHoldsNothing(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("Order", `"state": {"type": "enum", "name": "State", "symbols": ["A", "B"]}`, `"sum": ["null", "double"]`))
	w.commit("order.avsc", record("Order", `"state": {"type": "enum", "name": "State", "symbols": ["C", "D"]}`, `"sum": ["null", "string"]`))
	o := w.options()
	o.Mode = schema.Forward
	says(t, text(t, w.check(o)), `"symbols": ["A", "B"]`, `"type": ["null", "double"]`)
}

// Where both directions break, what to write is one thing, which repairs both.
func TestFix_IsOneForBothDirections(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("Order", `"state": {"type": "enum", "name": "State", "symbols": ["A", "B"]}`, `"sum": ["null", "double"]`, `"n": "int"`))
	w.commit("order.avsc", record("Order", `"state": {"type": "enum", "name": "State", "symbols": ["A", "C"]}`, `"sum": ["null", "string"]`, `"n": "string"`))
	o := w.options()
	o.Mode = schema.Full
	fixes := map[string][]string{}
	for _, f := range w.check(o).Subjects[0].Findings {
		fixes[f.Field] = append(fixes[f.Field], f.Fix.JSON)
	}
	for field, want := range map[string]string{
		"shop.Order.state": `{"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["A", "B"], "default": "A"}}`,
		"shop.Order.sum":   `{"name": "sum", "type": ["null", "double"]}`,
		"shop.Order.n":     `{"name": "n", "type": "int"}`,
	} {
		if got := fixes[field]; len(got) != 2 || got[0] != want || got[1] != want {
			t.Errorf("%s: %q", field, got)
		}
	}
}

func TestFix_OffersAnOldFieldToOneNewOneOnly(t *testing.T) {
	w := newRepository(t)
	w.commit("order.avsc", record("Order", `"by": "string"`))
	w.commit("order.avsc", record("Order", `"buyer": "string"`, `"seller": "string"`))
	says(t, text(t, w.check(w.options())), "Fix: if it is a new field (old events then read as \"\", their \"by\" is dropped):\n           {\"name\": \"buyer\", \"type\": \"string\", \"default\": \"\"}\n"+
		`      Or if "buyer" is the old "by", as only one of buyer and seller can be:`, `{"name": "seller", "type": "string", "aliases": ["by"]}`)
}
