package check

import (
	"slices"
	"strings"
)

// staying are the candidates, by name and path as the history has them.
type staying map[whereabouts]bool

type whereabouts struct{ name, path string }

// pick returns the versions of a subject: of the file it is in, or else of the one that was moved
// there, or else of all files with its name, or else with one of its aliases.
func pick(before *set, s *subject, at string, stays staying) (all []*version) {
	for _, name := range s.names() {
		found := before.byName[name]
		for _, sub := range found {
			if sub.path == at {
				return sub.versions
			}
			all = append(all, sub.versions...)
		}
		if was := moved(found, s, at, stays); was != nil {
			return was.versions
		}
		if all != nil {
			return all
		}
	}
	for _, sub := range before.subjects {
		if sub.path == at && sub.hasOnlyItsFile() {
			return sub.versions
		}
	}
	return nil
}

// hasOnlyItsFile reports whether a schema that was is found by its path alone: it has no name, or no legal one, or was no schema.
func (s *subject) hasOnlyItsFile() bool {
	v := s.newest()
	return s.unnamed || v.broken != nil || v.outline.misnamed
}

// moved returns the one of several files with a schema's name that is at another path now, nil if
// that can't be told: the one that is the same, or whose path ends most like the new one, or the only
// one that is gone. A path that differs in numbers alone is that of another version.
func moved(found []*subject, s *subject, at string, stays staying) (was *subject) {
	var gone []*subject
	for _, sub := range found {
		if !stays[whereabouts{sub.name, sub.path}] && !successive(sub.path, at) {
			gone = append(gone, sub)
		}
	}
	for _, sub := range gone {
		if same(sub.newest(), s.newest()) {
			return sub
		}
	}
	if len(gone) == 1 {
		return gone[0]
	}
	most := 0
	for _, sub := range gone {
		switch n := commonTail(sub.path, at); {
		case n > most:
			was, most = sub, n
		case n == most:
			was = nil
		}
	}
	return was
}

// successive reports whether two paths differ in their numbers alone, as v1/order.avsc and v2/order.avsc.
func successive(a, b string) bool { return a != b && withoutNumbers(a) == withoutNumbers(b) }

func withoutNumbers(p string) string {
	var b strings.Builder
	for p != "" {
		if n := digits(p); n > 0 {
			b.WriteByte('0')
			p = p[n:]
			continue
		}
		b.WriteByte(p[0])
		p = p[1:]
	}
	return b.String()
}

// commonTail is how many names two paths have in common from their ends on.
func commonTail(a, b string) (n int) {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for n < len(as) && n < len(bs) && as[len(as)-1-n] == bs[len(bs)-1-n] {
		n++
	}
	return n
}

// distinct are the ends of the files' paths, as long as it takes to tell them from each other.
func distinct(versions []*version) (names []string) {
	for n, most := 1, 1; n <= most; n++ {
		names = names[:0]
		for _, v := range versions {
			parts := strings.Split(v.show, "/")
			most = max(most, len(parts))
			names = append(names, strings.Join(parts[max(0, len(parts)-n):], "/"))
		}
		if unique := slices.Compact(slices.Sorted(slices.Values(names))); len(unique) == len(names) {
			break
		}
	}
	return names
}
