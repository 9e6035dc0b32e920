package schema

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

type canonicalRow struct {
	ID        string          `json:"id"`
	Schema    json.RawMessage `json:"schema"`
	Canonical string          `json:"canonical"`
	Rabin     string          `json:"rabin"`
	MD5       string          `json:"md5"`
	SHA256    string          `json:"sha256"`
}

// rows reads a corpus of one JSON object a line.
func rows[T any](t testing.TB, file string) (all []T) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	if unzipped, err := gzip.NewReader(f); err == nil {
		lines = bufio.NewScanner(unzipped)
	} else if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCanonical_AgreesWithAvroJava(t *testing.T) {
	for _, row := range rows[canonicalRow](t, "testdata/avro-canonical.jsonl") {
		s, err := Parse(string(row.Schema))
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
			continue
		}
		if got := s.Canonical(); got != row.Canonical {
			t.Errorf("%s: canonical form of %s\n got %s\nwant %s", row.ID, row.Schema, got, row.Canonical)
		}
		md5, sha := s.MD5(), s.SHA256()
		if got := fmt.Sprintf("%016x", s.Rabin()); got != row.Rabin {
			t.Errorf("%s: rabin %s, want %s", row.ID, got, row.Rabin)
		}
		if hex.EncodeToString(md5[:]) != row.MD5 || hex.EncodeToString(sha[:]) != row.SHA256 {
			t.Errorf("%s: md5 %x, sha256 %x, want %s, %s", row.ID, md5, sha, row.MD5, row.SHA256)
		}
		again, err := Parse(s.String())
		if err != nil {
			t.Errorf("%s: String does not parse: %v\n%s", row.ID, err, s)
			continue
		}
		if !again.Equal(s) || again.String() != s.String() {
			t.Errorf("%s: String is not stable:\n%s\n%s", row.ID, s, again)
		}
	}
}

type randomRow struct {
	ID     string          `json:"id"`
	Writer json.RawMessage `json:"writer"`
	Reader json.RawMessage `json:"reader"`
	Data   []struct {
		Hex         string `json:"hex"`
		InvalidUTF8 bool   `json:"invalid_utf8"`
	} `json:"data"`
}

func TestParse_ReadsEverySchemaOfTheRandomPairs(t *testing.T) {
	for _, row := range rows[randomRow](t, "testdata/avro-random.jsonl.gz") {
		for _, text := range []json.RawMessage{row.Writer, row.Reader} {
			s, err := Parse(string(text))
			if err != nil {
				t.Errorf("%s: %v\n%s", row.ID, err, text)
				continue
			}
			again, err := Parse(s.String())
			if err != nil || !again.Equal(s) || again.String() != s.String() {
				t.Errorf("%s: String is not stable (%v):\n%s\n%s", row.ID, err, text, s)
			}
		}
	}
}
