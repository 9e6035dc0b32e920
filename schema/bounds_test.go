package schema

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// costs fails where f allocates more than it may, or takes so long that it must be doing something else
// than work in proportion to its input.
func costs(t *testing.T, mostBytes uint64, f func()) {
	t.Helper()
	runtime.GC()
	start := time.Now()
	used := allocated(f)
	took := time.Since(start)
	t.Logf("%d MB allocated, %v", used>>20, took)
	if used > mostBytes || took > time.Minute {
		t.Errorf("%d MB allocated in %v: more than %d MB, or a minute", used>>20, took, mostBytes>>20)
	}
}

func doubled(levels int, fields string) string {
	inner := `{"type":"record","name":"L0","fields":[` + fields + `]}`
	for i := 1; i <= levels; i++ {
		inner = fmt.Sprintf(`{"type":"record","name":"L%d","fields":[{"name":"a","type":%s},{"name":"b","type":"L%d"}]}`, i, inner, i-1)
	}
	return inner
}

func TestBounds_NothingIsReadIn2ToTheNSteps(t *testing.T) {
	for name, fields := range map[string][2]string{
		"dropped":   {`{"name":"x","type":"null"}`, ``},
		"defaulted": {``, `{"name":"x","type":"null","default":null}`},
		"reordered": {`{"name":"x","type":"null"},{"name":"y","type":"null"}`, `{"name":"y","type":"null"},{"name":"x","type":"null"}`},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := Resolve(mustParse(t, doubled(60, fields[0])), mustParse(t, doubled(60, fields[1])))
			if err != nil {
				t.Fatal(err)
			}
			costs(t, 1<<20, func() {
				if out, err := plan.Append(nil, nil, Limits{}); err != nil || len(out) != 0 {
					t.Error(out, err)
				}
			})
		})
	}
}

func TestBounds_PlanIsNotTheProductOfTheSchemas(t *testing.T) {
	const pairs, width = 4000, 4000
	var w, r strings.Builder
	w.WriteString(`{"type":"record","name":"Root","fields":[{"name":"f0","type":{"type":"record","name":"P","fields":[{"name":"inner","type":{"type":"record","name":"W","fields":[`)
	for i := range width {
		fmt.Fprintf(&w, `%s{"name":"a%d","type":"int"}`, strings.Repeat(",", min(i, 1)), i)
	}
	w.WriteString(`]}}]}}`)
	r.WriteString(`{"type":"record","name":"Root","fields":[`)
	for i := range pairs {
		if i > 0 {
			fmt.Fprintf(&w, `,{"name":"f%d","type":"P"}`, i)
			r.WriteString(",")
		}
		fmt.Fprintf(&r, `{"name":"f%d","type":{"type":"record","name":"n%d.P","fields":[]}}`, i, i)
	}
	w.WriteString(`]}`)
	r.WriteString(`]}`)
	writer, reader := mustParse(t, w.String()), mustParse(t, r.String())
	t.Logf("schemas of %d and %d bytes", w.Len(), r.Len())
	costs(t, 1<<30, func() {
		if _, err := Resolve(writer, reader); err == nil {
			t.Error("a plan")
		}
	})
}

func TestBounds_MatchesTimesFields(t *testing.T) {
	const pairs, width = 20_000, 20_000
	var w, r strings.Builder
	r.WriteString(`{"type":"record","name":"Root","fields":[{"name":"f0","type":{"type":"record","name":"P","fields":[`)
	for i := range width {
		fmt.Fprintf(&r, `%s{"name":"a%d","type":"null","default":null}`, strings.Repeat(",", min(i, 1)), i)
	}
	r.WriteString(`]}}`)
	w.WriteString(`{"type":"record","name":"Root","fields":[`)
	for i := range pairs {
		if i > 0 {
			fmt.Fprintf(&r, `,{"name":"f%d","type":"P"}`, i)
			w.WriteString(",")
		}
		fmt.Fprintf(&w, `{"name":"f%d","type":{"type":"record","name":"n%d.P","fields":[]}}`, i, i)
	}
	w.WriteString(`]}`)
	r.WriteString(`]}`)
	writer, reader := mustParse(t, w.String()), mustParse(t, r.String())
	t.Logf("schemas of %d and %d bytes", w.Len(), r.Len())
	costs(t, 1<<30, func() { Resolve(writer, reader) })
}

func TestBounds_ClaimsAreNotTheSquareOfTheFields(t *testing.T) {
	var r strings.Builder
	r.WriteString(`{"type":"record","name":"R","fields":[`)
	const n = 3000
	for i := range n {
		fmt.Fprintf(&r, `%s{"name":"f%d","type":"int","aliases":["a"]}`, strings.Repeat(",", min(i, 1)), i)
	}
	r.WriteString(`]}`)
	writer, reader := mustParse(t, `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`), mustParse(t, r.String())
	t.Logf("schemas of %d bytes", r.Len())
	costs(t, 64<<20, func() { Resolve(writer, reader) })
}

func TestBounds_LongNamespace(t *testing.T) {
	var r strings.Builder
	space := strings.Repeat("a", 100_000)
	r.WriteString(`{"type":"record","name":"R","namespace":"` + space + `","fields":[`)
	const n = 5000
	for i := range n {
		fmt.Fprintf(&r, `%s{"name":"f%d","type":{"type":"fixed","name":"F%d","size":1}}`, strings.Repeat(",", min(i, 1)), i, i)
	}
	r.WriteString(`]}`)
	t.Logf("schema of %d bytes", r.Len())
	costs(t, 200<<20, func() { Parse(r.String()) })
}

func TestBounds_LongFieldNameInViolations(t *testing.T) {
	var r strings.Builder
	r.WriteString(`{"type":"record","name":"R","fields":[{"name":"` + strings.Repeat("a", 100_000) + `","type":{"type":"record","name":"I","fields":[`)
	const n = 5000
	for i := range n {
		fmt.Fprintf(&r, `%s{"name":"f%d","type":"int"}`, strings.Repeat(",", min(i, 1)), i)
	}
	r.WriteString(`]}}]}`)
	reader := mustParse(t, r.String())
	writer := mustParse(t, `{"type":"record","name":"R","fields":[{"name":"`+strings.Repeat("a", 100_000)+`","type":{"type":"record","name":"I","fields":[]}}]}`)
	t.Logf("schema of %d bytes", r.Len())
	costs(t, 64<<20, func() {
		if _, err := Resolve(writer, reader); err == nil {
			t.Error("no error")
		}
	})
}

func TestBounds_StepsOfAnEnumUsedOften(t *testing.T) {
	var w, r strings.Builder
	var symbols []string
	for i := range 5000 {
		symbols = append(symbols, fmt.Sprintf(`"S%d"`, i))
	}
	w.WriteString(`{"type":"record","name":"R","fields":[{"name":"f0","type":{"type":"enum","name":"E","symbols":[` + strings.Join(symbols, ",") + `]}}`)
	r.WriteString(`{"type":"record","name":"R","fields":[{"name":"f0","type":{"type":"enum","name":"E","symbols":["A"],"default":"A"}}`)
	for i := range 5000 {
		fmt.Fprintf(&w, `,{"name":"g%d","type":"E"}`, i)
		fmt.Fprintf(&r, `,{"name":"g%d","type":"E"}`, i)
	}
	w.WriteString(`]}`)
	r.WriteString(`]}`)
	plan, err := Resolve(mustParse(t, w.String()), mustParse(t, r.String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("schema of %d bytes", w.Len())
	costs(t, 64<<20, func() { plan.Steps() })
}

func TestBounds_DefaultsOfWideRecords(t *testing.T) {
	var r strings.Builder
	r.WriteString(`{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"record","name":"B","fields":[`)
	for i := range 5000 {
		fmt.Fprintf(&r, `%s{"name":"f%d","type":"int","default":0}`, strings.Repeat(",", min(i, 1)), i)
	}
	r.WriteString(`]}}`)
	for i := range 20000 {
		fmt.Fprintf(&r, `,{"name":"g%d","type":"B","default":{}}`, i)
	}
	r.WriteString(`]}`)
	t.Logf("schema of %d bytes", r.Len())
	costs(t, 256<<20, func() { Parse(r.String()) })
}

func TestBounds_DefaultsOfWideEnums(t *testing.T) {
	var symbols []string
	for i := range 20000 {
		symbols = append(symbols, fmt.Sprintf(`"S%05d"`, i))
	}
	text := `{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"enum","name":"E","symbols":[` + strings.Join(symbols, ",") + `]}},
		{"name":"g","type":{"type":"array","items":"E"},"default":[` + strings.Repeat(`"S19999",`, 40000) + `"S19999"]}]}`
	t.Logf("schema of %d bytes", len(text))
	costs(t, 256<<20, func() {
		if _, err := Parse(text); err != nil {
			t.Error(err)
		}
	})
}

func TestBounds_PathsOfDefaults(t *testing.T) {
	var r strings.Builder
	r.WriteString(strings.Repeat(`{"type":"map","values":`, 990))
	r.WriteString(`{"type":"record","name":"B","fields":[`)
	for i := range 20000 {
		fmt.Fprintf(&r, `%s{"name":"f%d","type":"int","default":0}`, strings.Repeat(",", min(i, 1)), i)
	}
	r.WriteString(`]}` + strings.Repeat(`}`, 990))
	t.Logf("schema of %d bytes", r.Len())
	costs(t, 64<<20, func() {
		if _, err := Parse(r.String()); err != nil {
			t.Error(err)
		}
	})
}
