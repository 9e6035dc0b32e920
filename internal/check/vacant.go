package check

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// absent is a path that was asked for and is not there, or not there any more.
type absent struct {
	path string
	err  error
}

// vanish notes a path that is not there.
func (c *checker) vanish(p string, err error) {
	full := p
	if !filepath.IsAbs(p) {
		full = filepath.Join(c.tree.root, p)
	}
	rel, relErr := filepath.Rel(c.tree.root, full)
	if relErr != nil {
		rel = p
	}
	rel = filepath.ToSlash(rel)
	if path.Ext(rel) != extension {
		c.named = false
	}
	c.paths, c.gone = append(c.paths, rel), append(c.gone, absent{rel, err})
}

// present are the paths that are there.
func (c *checker) present() []string {
	return slices.DeleteFunc(slices.Clone(c.paths), func(p string) bool {
		return slices.ContainsFunc(c.gone, func(a absent) bool { return a.path == p })
	})
}

// vacant is the error of paths in which no schema is, nor was. h is nil if nothing is known of what was.
func (c *checker) vacant(h history) error {
	_, git := h.(*gitHistory)
	if r, ok := h.(*registryHistory); ok {
		git = r.before != nil
	}
	was := func(paths ...string) bool {
		return git && slices.ContainsFunc(c.report.Subjects, func(s Subject) bool {
			return within(s.File, paths) && slices.Contains([]Status{Deleted, Breaking}, s.Status)
		})
	}
	for _, a := range c.gone {
		if !was(a.path) {
			return a.err
		}
	}
	if !c.empty || was(c.paths...) {
		return nil
	}
	if len(c.report.Problems) > 0 {
		return errors.New(c.report.Problems[0].Message)
	}
	dir := c.contractsDir()
	if c.hasContracts || slices.ContainsFunc(c.paths, func(p string) bool { return within(p, []string{dir}) }) {
		return fmt.Errorf("no .avsc file in %s: %s", strings.Join(c.paths, ", "), setAside(dir))
	}
	return fmt.Errorf("no .avsc file in %s: name the directory that holds the schemas", strings.Join(c.paths, ", "))
}

// setAside says what the contracts' directory is for.
func setAside(dir string) string {
	return fmt.Sprintf(`%s/ is set aside for what services read (%[1]s/<service>/*.avsc); if your events are there, set "contracts: <another directory>" under schema: in troupe.yaml`, dir)
}

// noHistory is what there is before the first commit.
type noHistory struct{}

func (noHistory) of(*subject) ([]*past, error) { return nil, nil }
func (noHistory) gone(*set) []lost             { return nil }

// begin is the history of a repository in which nothing was before, if that is meant.
func (c *checker) begin(e *beginning, candidates *set) (history, error) {
	if !c.AllowNew && !c.allNew(candidates) {
		return nil, e
	}
	c.report.Against = e.against
	return noHistory{}, nil
}

// allNew reports whether the configuration allows each schema to be new.
func (c *checker) allNew(candidates *set) bool {
	return !slices.ContainsFunc(candidates.subjects, func(s *subject) bool { return !c.Config.allowsNew(s.name) })
}
