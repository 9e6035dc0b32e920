package schema_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/troupe-go/troupe/schema/internal/corpus"
)

// TestCorpus_IsAgreedWith is what `go run ./schema/conform` does, with the rows that are in the repository.
func TestCorpus_IsAgreedWith(t *testing.T) {
	for _, file := range []struct {
		name                string
		rows, skipped, data int
	}{
		{"avro-compat.jsonl", 535, 0, 0},
		{"avro-modes.jsonl", 263, 0, 0},
		{"avro-random.jsonl.gz", 4000, 35, 5580},
		{"avro-canonical.jsonl", 150, 0, 0},
		{"avro-hostile.jsonl", 160, 5, 0},
	} {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(filepath.Join("testdata", file.name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var rows, skipped, data int
			for row, err := range corpus.Rows(f) {
				if err != nil {
					t.Fatal(err)
				}
				o := corpus.Check(row)
				rows++
				data += o.Data
				if o.Skipped != "" {
					skipped++
				}
				if len(o.Wrong) > 0 || o.Unreadable != nil {
					t.Errorf("%s: %q %v\n%q", row.ID, o.Wrong, o.Unreadable, o.Schemas)
				}
			}
			if rows != file.rows || skipped != file.skipped || data < file.data {
				t.Errorf("%d rows, %d of them skipped, %d data compared", rows, skipped, data)
			}
		})
	}
}
