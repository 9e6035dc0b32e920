package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

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

// nothing says why a check compared nothing, "" if it did or that is meant.
func (c *checker) nothing() string {
	s := c.report.Summary
	switch {
	case s.Compared > 0 || s.Exit != 0:
		return ""
	case s.Unchecked > 0 && (s.New == 0 || c.AllowNew):
		return fmt.Sprintf("nothing was checked: the mode of every subject is NONE (from %s)", c.report.Subjects[0].ModeFrom)
	case c.AllowNew || s.New == 0 || !slices.ContainsFunc(c.report.Subjects, func(s Subject) bool { return s.Status == New && !c.Config.allowsNew(s.Name) }):
		return ""
	}
	return fmt.Sprintf("nothing was checked: %s has none of the %s here; if they are all new, say so with --allow-new (or \"new: allow\" under schema: in troupe.yaml)", c.report.Against, count(s.New, "schema"))
}
