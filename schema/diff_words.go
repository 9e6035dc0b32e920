package schema

import (
	"fmt"
	"slices"
	"strings"
)

func fieldSide(f *field) Side { return Side{Type: typeText(f.typ), Position: f.position} }

// fieldWords is a field's type and default.
func fieldWords(f *field) string {
	if text := defaultText(f); text != "" {
		return typeText(f.typ) + ", default " + text
	}
	return typeText(f.typ) + ", no default"
}

// defaultText is a field's default as JSON, "" for none.
func defaultText(f *field) string {
	if !f.hasDefault {
		return ""
	}
	return cut(string(f.value.appendCompact(nil)))
}

func sortOrder(f *field) string {
	if f.order == "" {
		return "ascending"
	}
	return f.order
}

func textWords(s string) string {
	if s == "" {
		return "none"
	}
	return string(appendQuoted(nil, cut(s)))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// cut shortens what is longer than a line bears.
func cut(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// setWords says what was added to a list and taken from it, "" for nothing.
func setWords(old, new []string) string {
	var words []string
	if added := minus(new, old); len(added) > 0 {
		words = append(words, "added "+shortList(added))
	}
	if removed := minus(old, new); len(removed) > 0 {
		words = append(words, "removed "+shortList(removed))
	}
	return strings.Join(words, "; ")
}

// minus returns what is in a and not in b.
func minus(a, b []string) (left []string) {
	in := make(map[string]bool, len(b))
	for _, s := range b {
		in[s] = true
	}
	for _, s := range a {
		if !in[s] {
			left = append(left, s)
		}
	}
	return left
}

func fieldNames(fields []*field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return shortList(names)
}

// shortList is a list in a line.
func shortList(names []string) string {
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func ascending(order []int) bool { return slices.IsSorted(order) }

// orphans are fields that are gone, by their type in short: nil where several have it.
type orphans map[string]*field

func orphansOf(old []*field, matched []bool) orphans {
	found := orphans{}
	for i, gone := range old {
		if matched[i] {
			continue
		}
		text := typeText(gone.typ)
		if _, several := found[text]; several {
			gone = nil
		}
		found[text] = gone
	}
	return found
}

// perhapsRenamed says that f may be a field that is gone, if just one of its type is.
func (o orphans) perhapsRenamed(f *field) string {
	like := o[typeText(f.typ)]
	if like == nil {
		return ""
	}
	return fmt.Sprintf("; if it is %s renamed, give it the alias: \"aliases\": [%q]", like.name, like.name)
}
