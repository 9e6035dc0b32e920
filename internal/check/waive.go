package check

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// waive lets the breaks pass that somebody answers for, and says which waivers are no good.
func (c *checker) waive() {
	today := c.Now.UTC().Truncate(24 * time.Hour)
	for i := range c.Config.Waivers {
		w := &c.Config.Waivers[i]
		day, err := w.lastDay()
		if err != nil {
			panic(err) // a bug: the configuration is validated
		}
		found, unchanged := c.apply(w, !today.After(day))
		note := WaiverNote{File: w.file, Line: w.line, Fails: true}
		switch {
		case !c.concerns(w):
			continue
		case today.After(day):
			note.Message = fmt.Sprintf("the waiver for %s (%s, owner %s) expired on %s: repair the schema, or agree on a new date", w.Subject, w.Rule, w.Owner, w.Expires)
		case found:
			continue
		case slices.Contains(c.seen[w.Subject], w.New) && unchanged:
			note.Fails = false
			note.Message = fmt.Sprintf("the waiver for %s (%s) has done its work, the change is in %s: delete it before %s", w.Subject, w.Rule, c.report.Against, w.Expires)
		default:
			note.Message = fmt.Sprintf("the waiver for %s (%s at %q, owner %s) is not used: no such break between these two schemas; delete it", w.Subject, w.Rule, w.Path, w.Owner)
		}
		c.report.Waivers = append(c.report.Waivers, note)
	}
}

// concerns reports whether this run could have needed a waiver.
func (c *checker) concerns(w *Waiver) bool {
	if !c.named && len(c.Paths) == 0 {
		return true
	}
	return slices.ContainsFunc(c.report.Subjects, func(s Subject) bool { return s.Name == w.Subject })
}

// apply marks the findings that a waiver is for, if it still counts. unchanged says that the
// subject has no finding because it is what it is compared with.
func (c *checker) apply(w *Waiver, valid bool) (found, unchanged bool) {
	for i := range c.report.Subjects {
		s := &c.report.Subjects[i]
		if s.Name != w.Subject {
			continue
		}
		unchanged = unchanged || !s.Changed
		var kept []Finding
		for _, f := range s.Findings {
			if !w.fits(f) {
				kept = append(kept, f)
				continue
			}
			covered, rest := split(f, w.Old)
			if len(covered.old) == 0 && w.Rule != string(SubjectDeleted) {
				kept = append(kept, f)
				continue
			}
			found = true
			if valid {
				covered.Waived = &Waived{w.Reason, w.Owner, w.Expires}
			}
			kept = append(kept, covered)
			if len(rest.old) > 0 {
				kept = append(kept, rest)
			}
		}
		s.Findings = slices.Clip(kept)
		if s.Findings == nil {
			s.Findings = []Finding{}
		}
	}
	return found, unchanged
}

func (w *Waiver) fits(f Finding) bool {
	if f.Waived != nil || string(f.Rule) != w.Rule || f.Service != w.Service {
		return false
	}
	return f.Rule == SubjectDeleted || f.Path == w.Path && f.new == w.New
}

// split parts a Finding into the versions with these fingerprints and the others.
func split(f Finding, fingerprints []string) (covered, rest Finding) {
	if f.Rule == SubjectDeleted {
		return f, rest
	}
	covered, rest = f, f
	covered.old, rest.old, covered.Versions, rest.Versions = nil, nil, nil, nil
	for i, old := range f.old {
		part := &rest
		if slices.Contains(fingerprints, old) {
			part = &covered
		}
		part.old = append(part.old, old)
		if i < len(f.Versions) {
			part.Versions = append(part.Versions, f.Versions[i])
		}
	}
	for _, part := range []*Finding{&covered, &rest} {
		if len(part.old) < len(f.old) && len(part.Versions) > 0 {
			part.Who = pair{kind: f.Kind, of: f.Version}.who(part.Versions)
		}
	}
	return covered, rest
}

// PrintWaivers returns the YAML of waivers for everything that fails, with reason and owner
// left to fill in. They expire 30 days after now.
func (r *Report) PrintWaivers(now time.Time) string {
	var all []string
	expires := now.UTC().AddDate(0, 0, 30).Format(time.DateOnly)
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			if !r.Fails(f) {
				continue
			}
			w := fmt.Sprintf("  - subject: %s\n    rule: %s\n", yamlText(s.Name), f.Rule)
			if f.Rule != SubjectDeleted {
				w += fmt.Sprintf("    path: %q\n    old: [%s]\n    new: %q\n", f.Path, quoted(f.old), f.new)
			}
			if f.Service != "" {
				w += fmt.Sprintf("    service: %s\n", yamlText(f.Service))
			}
			w += fmt.Sprintf("    reason: \"\" # why this may break: %s\n    owner: \"\"\n    expires: %s\n", strings.Join(strings.Fields(f.Problem), " "), expires)
			if !slices.ContainsFunc(all, func(other string) bool { return sameWaiver(other, w) }) {
				all = append(all, w)
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "# Fill in reason and owner, and save this as waivers.yaml beside troupe.yaml (or in the directory that you check from).\nwaivers:\n" + strings.Join(all, "")
}

// yamlText quotes what YAML might take for something else: the names of files and directories are free.
func yamlText(s string) string {
	plain := func(r rune) bool { return r == '_' || r == '.' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
	if s != "" && plain(rune(s[0])) && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) && r != '/' && r != '-' && (r < '0' || r > '9') }) {
		return s
	}
	return fmt.Sprintf("%q", s)
}

// sameWaiver compares what comes before the reason: both directions of a mode are waived by one.
func sameWaiver(a, b string) bool {
	a, _, _ = strings.Cut(a, "reason:")
	b, _, _ = strings.Cut(b, "reason:")
	return a == b
}

func quoted(list []string) string {
	var all []string
	for _, s := range list {
		all = append(all, fmt.Sprintf("%q", s))
	}
	return strings.Join(all, ", ")
}
