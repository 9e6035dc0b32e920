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
