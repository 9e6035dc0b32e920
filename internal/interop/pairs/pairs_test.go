package pairs

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNew_MakesPairsOfBothKindsWithData(t *testing.T) {
	rules := map[string]int{}
	var readable, data, edited int
	const count = 2_000
	for seed := range uint64(count) {
		p := New(rand.New(rand.NewPCG(1, seed)))
		if !json.Valid([]byte(p.Writer)) || !json.Valid([]byte(p.Reader)) {
			t.Fatalf("no JSON:\n%s\n%s", p.Writer, p.Reader)
		}
		if p.Writer != p.Reader {
			edited++
		}
		j := p.Judge()
		for _, problem := range j.Problems {
			rule, _, _ := strings.Cut(problem, ":")
			rules[rule]++
		}
		if len(j.Problems) > 0 {
			continue
		}
		readable++
		for _, d := range p.Data {
			data++
			if out, err := p.Read(d); err == nil && p.Writer == p.Reader && string(out) != string(p.Whole(d)) {
				t.Errorf("%x is read as %x with its own schema\n%s", d, out, p.Writer)
			}
		}
	}
	if readable < count/4 || readable > count*3/4 || data < 2*readable || edited < count*3/4 {
		t.Errorf("%d of %d are readable, with %d data; %d have two different schemas", readable, count, data, edited)
	}
	for _, rule := range []string{"NAME_MISMATCH", "FIXED_SIZE_MISMATCH", "MISSING_ENUM_SYMBOLS", "READER_FIELD_MISSING_DEFAULT_VALUE",
		"TYPE_MISMATCH", "MISSING_UNION_BRANCH", "DECIMAL_MISMATCH", "AMBIGUOUS_ALIAS"} {
		if rules[rule] < 5 {
			t.Errorf("%s occurs %d times", rule, rules[rule])
		}
	}
}

func TestNew_MakesTheSameAgain(t *testing.T) {
	for seed := range uint64(100) {
		a, b := New(rand.New(rand.NewPCG(7, seed))), New(rand.New(rand.NewPCG(7, seed)))
		if a.Writer != b.Writer || a.Reader != b.Reader || len(a.Data) != len(b.Data) || len(a.Data) > 0 && string(a.Data[0]) != string(b.Data[0]) {
			t.Fatalf("pair %d differs", seed)
		}
	}
}
