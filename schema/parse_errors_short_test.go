package schema

import (
	"strings"
	"testing"
)

func TestParse_ErrorsAreShort(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	for _, text := range []string{
		`"` + long + `"`,
		`{"type":"` + long + `"}`,
		`{"type":"enum","name":"E","symbols":["A"],"default":"` + long + `"}`,
		`{"type":"enum","name":"E","symbols":["A"],"default":[` + strings.Repeat("1,\n", 1<<18) + `1]}`,
		`{"type":"enum","name":"E","symbols":["` + long + `-"]}`,
		`{"type":"record","name":"` + long + `-","fields":[]}`,
		`{"type":"record","name":"R","fields":[{"name":"` + long + `","type":"int","default":"x"}]}`,
		`{"type":"record","name":"R","fields":[{"name":"` + long + `","type":"int"},{"name":"` + long + `","type":"int"}]}`,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"a` + "\u2028" + `"}]}`,
	} {
		_, err := Parse(text)
		if err == nil {
			t.Fatalf("%.100s", text)
		}
		if n := len(err.Error()); n > 4096 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60s: an error of %d bytes, %d lines", text, n, 1+strings.Count(err.Error(), "\n"))
		}
	}
}
