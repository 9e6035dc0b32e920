package check

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// compareAdded compares each version that a change adds with those before it, in their order.
func (c *checker) compareAdded(s *Subject, sub *subject, p *past) {
	for _, v := range asked(s.Mode, p.versions) {
		s.Compared = append(s.Compared, v.label)
	}
	added := c.added(sub, p)
	if p.called != "" { // which has numbers of its own
		for i, v := range added {
			file := *v
			file.label = v.show
			added[i] = &file
		}
	}
	if len(added) > max(1, len(s.Added)) {
		s.Added = labels(added)
	}
	before, order := slices.Clone(p.versions), rollout{}
	for _, v := range added {
		of := ""
		if len(added) > 1 {
			of = v.label
		}
		deploy, risk := c.compare(s, v, of, before)
		order.add(of, deploy, risk)
		before = append(before, v)
	}
	if len(order.steps) > 0 {
		s.Deploy, s.Risk = order.words()
	}
	if s.Changed {
		before = before[:len(before)-1]
		c.noteOlder(s, sub.newest(), before[:len(before)-len(asked(s.Mode, before))])
	}
}

// added returns the versions of a subject that its past does not have, oldest first, and its newest one in any case.
func (c *checker) added(sub *subject, p *past) (all []*version) {
	newest := len(sub.versions) - 1
	switch {
	case len(p.versions) == 0:
		return slices.Clone(sub.versions)
	case len(p.numbered) > 0:
		for i, v := range sub.versions {
			switch number := v.outline.number; {
			case i == newest:
				all = append(all, v)
			case slices.Contains(p.numbered, number):
			case number < slices.Max(p.numbered):
				c.noteAt(v.show, 0, true, "%s is new and is not checked, as v%d was there before it: the next version is the one with the highest number", v.show, slices.Max(p.numbered))
			default:
				all = append(all, v)
			}
		}
		return all
	}
	for i := newest - 1; i >= 0; i-- {
		if slices.ContainsFunc(p.versions, func(old *version) bool { return same(old, sub.versions[i]) }) {
			newest = i + 1
			break
		}
	}
	return slices.Clone(sub.versions[newest:])
}

func labels(versions []*version) (all []string) {
	for _, v := range versions {
		all = append(all, v.label)
	}
	return all
}

// rollout is how the versions of a change go out, one after the other.
type rollout struct{ steps, risks []string }

func (r *rollout) add(of, deploy, risk string) {
	if of != "" && deploy != "" && deploy != anyOrder && deploy != noOrder {
		deploy = of + ": " + deploy
	}
	if deploy != "" && (len(r.steps) == 0 || deploy != r.steps[len(r.steps)-1]) {
		r.steps = append(r.steps, deploy)
	}
	if risk != "" {
		r.risks = append(r.risks, risk)
	}
}

func (r *rollout) words() (deploy, risk string) {
	if slices.Contains(r.steps, noOrder) {
		return noOrder, ""
	}
	return strings.Join(r.steps, "; then "), strings.Join(r.risks, "; ")
}

// newestOf is the newest readable version of a schema before this one, nil if there is none.
func newestOf(pasts []*past) (newest *version) {
	for _, p := range pasts {
		for _, v := range p.versions {
			if v.schema != nil {
				newest = v
			}
		}
	}
	return newest
}

// changedVersions finds the files <subject>/<n>.avsc that are not what they were: events were written with them.
func (c *checker) changedVersions(now *subject, before []*version) (all []Finding) {
	for _, old := range before {
		if old.label == "" || old.schema == nil || now.newest().label == "" {
			continue
		}
		file := path.Join(now.path, strings.TrimPrefix(old.label, "v")+extension)
		f := Finding{
			Rule: VersionChanged, Kind: OfSubject, Versions: []string{old.label},
			Who: fmt.Sprintf("nobody can read any more what was written with %s", old.label),
			New: Place{File: file}, Old: Place{File: old.show, Line: 1, Column: 1},
			Fix: &Fix{Words: "put it back as it was, and add the next version beside it"},
			old: []string{old.fingerprint()}, new: now.newest().fingerprint(),
		}
		i := slices.IndexFunc(now.versions, func(v *version) bool { return v.label == old.label })
		_, err := os.Stat(filepath.Join(c.tree.root, filepath.FromSlash(file)))
		switch {
		case i >= 0 && now.versions[i].schema != nil && !now.versions[i].schema.Equal(old.schema):
			f.New = Place{File: now.versions[i].show, Line: 1, Column: 1}
			f.Problem = fmt.Sprintf("%s is another schema than in %s: versions that are out stay as they are", f.New.File, old.show)
		case i < 0 && errors.Is(err, os.ErrNotExist):
			f.Problem = fmt.Sprintf("%s is not there any more: versions that are out stay", file)
		default:
			continue
		}
		all = append(all, f)
	}
	return all
}
