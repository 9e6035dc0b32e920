package check

import (
	"fmt"
	"slices"
)

// deleted adds the subjects that are gone.
func (c *checker) deleted(candidates *set, h history, contracts map[string][]contract) {
	for _, sub := range h.gone(candidates) {
		v := sub.newest()
		s := Subject{Name: sub.name, Status: Deleted, File: sub.file, Registered: sub.called, Compared: []string{}, Findings: []Finding{}}
		s.Words = "deleted: " + c.whoStillReads(sub.name, contracts[sub.name])
		if in, ok := candidates.inside[sub.name]; ok {
			s.Words = fmt.Sprintf("deleted as a schema of its own: it is now a part of %s", in)
		}
		if !c.AllowDeleted && !c.Config.allowsDeleted(sub.name) || len(contracts[sub.name]) > 0 {
			s.Status = Breaking
			problem := fmt.Sprintf("%s is not there any more; it was in %s", sub.name, v.show)
			if sub.called != "" {
				problem += ", and the registry has it: " + sub.called
			}
			s.Findings = append(s.Findings, Finding{
				Rule: SubjectDeleted, Kind: OfSubject, Who: c.whoStillReads(sub.name, contracts[sub.name]),
				Problem: problem,
				New:     Place{File: sub.file}, Old: Place{File: v.show, Line: 1, Column: 1},
				Fix: c.deletedFix(sub.name, v, candidates, contracts[sub.name]),
				old: []string{v.fingerprint()},
			})
		}
		c.report.Subjects = append(c.report.Subjects, s)
	}
}

func (c *checker) whoStillReads(name string, contracts []contract) string {
	if len(contracts) == 0 {
		return "nobody committed a contract for it, but consumers may still read what is in the topic"
	}
	return fmt.Sprintf("%s still %s it", services(contracts), plural(len(contracts), "reads", "read"))
}

func (c *checker) deletedFix(gone string, v *version, candidates *set, contracts []contract) *Fix {
	if now := c.renamed(v, candidates); now != nil {
		name := v.schema.FullName()
		root := now.newest().document().copy().root
		root.text.set("aliases", stringList(append(slices.Clone(root.aliases), name)))
		return &Fix{
			Words: fmt.Sprintf("if it is called %s now (%s), say so there with the old name as an alias, and deploy all consumers first", now.name, now.newest().show),
			JSON:  shorten(root.text).String(), alias: true,
		}
	}
	if len(contracts) > 0 {
		return &Fix{Words: fmt.Sprintf("put the file back until %s no longer %s it and the contract is deleted", services(contracts), plural(len(contracts), "reads", "read"))}
	}
	if at := c.whereNow(gone, true); at != "" {
		if dir := c.contractsDir(); within(at, []string{dir}) {
			return &Fix{Words: fmt.Sprintf("it is in %s now, and %s", at, setAside(dir))}
		}
		return &Fix{Words: fmt.Sprintf("it is in %s now, which is not looked at: put it into a .avsc file that \"exclude\" does not leave out", at)}
	}
	return &Fix{Words: fmt.Sprintf("if it was renamed, give the new record this name as an alias; if nobody reads it any more, say so (in troupe.yaml, under schema: `subjects: [{match: %s, deleted: allow}]`; --allow-deleted is for all); else put the file back", gone)}
}

// mostRenamed is how many new subjects are looked at for what a deleted one may be called now.
const mostRenamed = 100

// renamed returns the new subject that reads everything of a deleted one, and whose name ends most like its; nil if there is none.
func (c *checker) renamed(old *version, candidates *set) (best *subject) {
	name := old.schema.FullName()
	was, looked, longest := old.document().root, 0, -1
	for _, sub := range candidates.subjects {
		if !c.fresh[sub] || looked == mostRenamed || len(was.fields) == 0 {
			continue
		}
		looked++
		now := sub.newest().document()
		if slices.ContainsFunc(was.fields, func(f *shapeField) bool { return now.root.field(f.name) == nil }) {
			continue
		}
		d := now.copy()
		d.root.text.set("aliases", stringList([]string{name}))
		edited, err := d.parse()
		if err != nil {
			continue
		}
		if found, err := violations(old.schema, edited); err == nil && breaks(found) == 0 && commonSuffix(sub.name, name) > longest {
			best, longest = sub, commonSuffix(sub.name, name)
		}
	}
	return best
}

func commonSuffix(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}
