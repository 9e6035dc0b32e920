package check

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What Waiver.Breaks may say.
const (
	breaksNew = "new consumers"
	breaksOld = "old consumers"
)

// breaks is who breaks in the words of a waiver, "" where that goes without saying.
func (f Finding) breaks() string {
	switch f.Kind {
	case NewReadsOld:
		return breaksNew
	case OldReadsNew:
		return breaksOld
	}
	return ""
}

// waive lets the breaks pass that somebody answers for, and says which waivers are no good.
func (c *checker) waive() {
	today := c.Now.UTC().Truncate(24 * time.Hour)
	for i := range c.Config.Waivers {
		w := &c.Config.Waivers[i]
		day, err := w.lastDay()
		if err != nil {
			panic(err) // a bug: the configuration is validated
		}
		breaks, half := c.breaks(w)
		found, unchanged := c.apply(w, breaks, !today.After(day))
		note := WaiverNote{File: w.file, Line: w.line, Fails: true}
		switch {
		case !c.concerns(w):
			continue
		case today.After(day):
			note.Message = fmt.Sprintf("the waiver for %s (%s, owner %s) expired on %s: repair the schema, or agree on a new date", w.Subject, w.Rule, w.Owner, w.Expires)
		case found && half:
			note.Fails = false
			note.Message = fmt.Sprintf("the waiver for %s (%s at %q) does not say whom it breaks, and is for new consumers only: old ones break there too, and need one with \"breaks: %s\"", w.Subject, w.Rule, w.Path, breaksOld)
		case found:
			continue
		case slices.Contains(c.seen[w.Subject], w.New) && unchanged:
			note.Fails = false
			note.Message = fmt.Sprintf("the waiver for %s (%s) has done its work, the change is in %s: delete it before %s", w.Subject, w.Rule, c.report.Against, w.Expires)
		default:
			at := fmt.Sprintf("%q", w.Path)
			if w.Breaks != "" {
				at += ", breaks " + w.Breaks
			}
			note.Message = fmt.Sprintf("the waiver for %s (%s at %s, owner %s) is not used: no such break between these two schemas; delete it", w.Subject, w.Rule, at, w.Owner)
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

// breaks is who may break by a waiver. half says that it leaves that open, and old consumers break in its place too.
func (c *checker) breaks(w *Waiver) (who string, half bool) {
	var kinds []string
	for _, s := range c.report.Subjects {
		for _, f := range s.Findings {
			if s.Name == w.Subject && w.matches(f) {
				kinds = append(kinds, f.breaks())
			}
		}
	}
	toNew, toOld := slices.Contains(kinds, breaksNew), slices.Contains(kinds, breaksOld)
	if w.Breaks == "" && toNew {
		return breaksNew, toOld && !slices.ContainsFunc(c.Config.Waivers, func(other Waiver) bool {
			return other.Breaks == breaksOld && other.Subject == w.Subject && other.Rule == w.Rule && other.Path == w.Path && other.New == w.New
		})
	}
	return w.Breaks, false
}

// apply marks the findings that a waiver is for, if it still counts. unchanged says that the
// subject has no finding because it is what it is compared with.
func (c *checker) apply(w *Waiver, breaks string, valid bool) (found, unchanged bool) {
	for i := range c.report.Subjects {
		s := &c.report.Subjects[i]
		if s.Name != w.Subject {
			continue
		}
		unchanged = unchanged || !s.Changed
		kept := []Finding{}
		for _, f := range s.Findings {
			if f.Waived != nil || !w.matches(f) || breaks != "" && f.breaks() != breaks {
				kept = append(kept, f)
				continue
			}
			covered, rest := split(f, w.Old)
			found = true
			if valid {
				covered.Waived = &Waived{w.Reason, w.Owner, w.Expires}
			}
			kept = append(kept, covered)
			if len(rest.old) > 0 {
				kept = append(kept, rest)
			}
		}
		s.Findings = kept
	}
	return found, unchanged
}

// matches reports whether a Finding is about what a waiver names, whoever breaks.
func (w *Waiver) matches(f Finding) bool {
	if string(f.Rule) != w.Rule || f.Service != w.Service {
		return false
	}
	isOld := func(old string) bool { return slices.Contains(w.Old, old) }
	return f.Rule == SubjectDeleted || f.Path == w.Path && f.new == w.New && slices.ContainsFunc(f.old, isOld)
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
			if who := f.breaks(); who != "" {
				w += fmt.Sprintf("    breaks: %s\n", who)
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

// sameWaiver compares what comes before the reason: two files may have one schema.
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
