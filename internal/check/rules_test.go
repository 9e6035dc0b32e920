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
