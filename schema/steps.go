package schema

import "fmt"

// Step is what a Plan does in one place.
type Step struct {
	// Field is the place, such as "shop.Order.lines[].price".
	Field string
	// Do is "copy", "promote", "rename", "symbols", "branch", "default", "skip" or "see" (a
	// type that occurs again, or is too deep to show: Detail says where).
	Do string
	// Writer and Reader are the types of both sides in short, "" where a side has nothing.
	Writer, Reader string
	// Detail says more where there is more to say: the default, the symbols that change, the
	// name that the writer has.
	Detail string
}

// Steps says in words what the Plan does, in the order of the reader's schema;
// what is only skipped stands behind the fields of its record.
func (p *Plan) Steps() []Step {
	t := teller{seen: map[*match]string{}, lost: map[*match]string{}}
	t.tell(p.root, p.reader.describe(), "")
	return t.steps
}

// What Steps says is bounded: a schema can be deeper and wider than anybody reads.
const (
	maxSteps = 100_000
	maxField = 1_000
	// maxSymbols is how many symbols are named.
	maxSymbols = 100
)

type teller struct {
	steps []Step
	seen  map[*match]string
	lost  map[*match]string // see symbolChanges
}

func (t *teller) add(s Step) {
	if len(t.steps) < maxSteps {
		t.steps = append(t.steps, s)
	}
}

func (t *teller) tell(m *match, field, renamed string) {
	s := Step{Field: field, Do: "copy", Writer: typeText(m.w), Reader: typeText(m.r)}
	if renamed != "" {
		s.Do, s.Detail = "rename", "the writer calls it "+tail(renamed)
	} else if m.w.kind.named() && m.r.kind.named() && m.w.name != m.r.name {
		s.Do, s.Detail = "rename", "the writer calls it "+tail(m.w.name)
	}
	deep := m.how == asRecord || m.how == fromUnion || m.how == asItems
	if len(field) > maxField {
		s.Do, s.Detail = "see", "deeper than is shown"
		t.add(s)
		return
	}
	if at, again := t.seen[m]; again && deep && !(m.plain && m.how != asRecord) {
		s.Do, s.Detail = "see", at
		t.add(s)
		return
	}
	t.seen[m] = field
	switch m.how {
	case promoted:
		s.Do = "promote"
		t.add(s)
	case asEnum:
		changes, told := t.lost[m]
		if !told {
			changes = m.symbolChanges()
			t.lost[m] = changes
		}
		if changes != "" {
			s.Do, s.Detail = "symbols", changes
		}
		t.add(s)
	case asRecord:
		t.add(s)
		t.record(m, field)
	case asItems:
		t.add(s)
		suffix := "[]"
		if m.w.kind == kindMap {
			suffix = "{}"
		}
		t.tell(m.parts[0], field+suffix, "")
	case fromUnion, intoUnion:
		if !m.plain {
			s.Do = "branch"
			if m.how == intoUnion {
				s.Detail = "becomes the branch " + shortName(m.r.branches[m.branches[0]])
			}
		}
		t.add(s)
		for _, part := range m.parts {
			if part.how != asIs || !part.plain {
				t.tell(part, field+"("+shortName(part.w)+")", "")
			}
		}
	default:
		t.add(s)
	}
}

func (t *teller) record(m *match, field string) {
	used := make([]bool, len(m.w.fields))
	for i, f := range m.r.fields {
		at := field + "." + tail(f.name)
		if m.from[i] < 0 {
			t.add(Step{Field: at, Do: "default", Reader: typeText(f.typ), Detail: excerpt(f.value)})
			continue
		}
		used[m.from[i]] = true
		renamed := ""
		if name := m.w.fields[m.from[i]].name; name != f.name {
			renamed = name
		}
		t.tell(m.parts[i], at, renamed)
	}
	for i, f := range m.w.fields {
		if !used[i] {
			t.add(Step{Field: field + "." + tail(f.name), Do: "skip", Writer: typeText(f.typ)})
		}
	}
}

// symbolChanges says which of the writer's symbols the reader lacks.
func (m *match) symbolChanges() string {
	known := make(map[string]bool, len(m.r.symbols))
	for _, symbol := range m.r.symbols {
		known[symbol] = true
	}
	var lost []string
	for _, symbol := range m.w.symbols {
		if !known[symbol] {
			lost = append(lost, symbol)
		}
	}
	if more := len(lost) - maxSymbols; more > 0 {
		lost = append(lost[:maxSymbols], fmt.Sprintf("%d more", more))
	}
	if len(lost) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: read as the default %s", list(lost), tail(*m.r.fallback))
}
