package check

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

// BenchmarkRun checks directories of files: one record with many breaks, and many records with some.
func BenchmarkRun(b *testing.B) {
	fields := func(n int, format string) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf(format, i))
		}
		return all
	}
	const many = 2000
	for _, c := range []struct {
		name     string
		files    int
		old, new []string
	}{
		{"OneRecord/TypesChanged", 1, fields(many, `"f%d": "string"`), fields(many, `"f%d": "int"`)},
		{"OneRecord/FieldsAdded", 1, fields(many, `"f%d": "string"`), append(fields(many, `"f%d": "string"`), fields(many, `"g%d": "int"`)...)},
		{"OneRecord/FieldsRenamed", 1, fields(many, `"f%d": "string"`), fields(many, `"g%d": "string"`)},
		{"ManyFiles/TypesChanged", 200, fields(10, `"f%d": "string"`), append(fields(5, `"f%d": "int"`), fields(10, `"f%d": "string"`)[5:]...)},
		{"ManyFiles/Unchanged", 200, fields(10, `"f%d": "string"`), fields(10, `"f%d": "string"`)},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			for i := range c.files {
				name := fmt.Sprintf("X%d", i)
				for in, of := range map[string][]string{"old": c.old, "new": c.new} {
					if err := os.MkdirAll(filepath.Join(dir, in), 0o755); err != nil {
						b.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, in, name+extension), []byte(record(name, of...)), 0o644); err != nil {
						b.Fatal(err)
					}
				}
			}
			o := Options{Dir: dir, Paths: []string{"new"}, Against: "old", Mode: schema.Full}
			for b.Loop() {
				if _, err := Run(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
