package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// registryHistory is a schema registry to compare with.
type registryHistory struct {
	c        *checker
	registry Registry
	subjects []string
	subject  string
	// before is what the files were in git where the change began, nil where that can't be told. A registry alone
	// can't say which schemas were deleted here: it has those of others, too.
	before *gitHistory
}

func (c *checker) registry(subject string, candidates *set) (history, error) {
	if subject == "registry" || subject == "" {
		subject = c.Subject
	}
	if subject != "" && len(candidates.subjects) > 1 {
		return nil, fmt.Errorf("subject %q is to compare one schema with, but there are %d: name its file", subject, len(candidates.subjects))
	}
	registry, name, err := c.Open()
	if err != nil {
		return nil, err
	}
	h := &registryHistory{c: c, registry: registry, subject: subject}
	if subject == "" {
		if h.subjects, err = registry.Subjects(c.ctx); err != nil {
			return nil, err
		}
	}
	c.report.Against, c.report.How = fmt.Sprintf("subject %s of registry %s", subject, name), ""
	if subject == "" {
		c.report.Against = "registry " + name
		h.before, c.report.How = c.filesBefore()
	}
	return h, nil
}

// filesBefore is what git has of where the change began, for the schemas that were deleted; nil if it has nothing.
func (c *checker) filesBefore() (h *gitHistory, words string) {
	unknown := "schemas that were deleted here are not noticed: a registry has those of others, too"
	repo, err := c.openRepository()
	if err != nil {
		return nil, unknown
	}
	b, err := repo.mainBase(c.Env)
	if err != nil {
		return nil, unknown
	}
	t, err := c.past(b)
	if err != nil {
		return nil, unknown
	}
	h = &gitHistory{c: c, trees: []*pastTree{t}}
	if err := h.sparse(b); err != nil {
		return nil, unknown
	}
	return h, fmt.Sprintf("schemas that were deleted here since %s are noticed, no other ones: a registry has those of others, too", b.label())
}

func (h *registryHistory) of(s *subject) (all []*past, err error) {
	for _, called := range s.names() { // by its aliases where its name is not there
		if all, err = h.named(s, called); err != nil || len(all) > 0 {
			break
		}
	}
	return all, err
}

// named returns the pasts of the subjects for a name of a schema.
func (h *registryHistory) named(s *subject, called string) (all []*past, err error) {
	for _, name := range h.names(s.name, called) {
		versions, err := h.registry.Versions(h.c.ctx, name)
		var missing *schema.NotFoundError
		if errors.As(err, &missing) && h.subject == "" {
			continue
		}
		if err != nil {
			return nil, err
		}
		p := &past{called: name, modeFrom: "the registry"}
		for _, v := range versions {
			p.add("", []*version{{label: fmt.Sprintf("v%d", v.Version), show: fmt.Sprintf("%s v%d", name, v.Version), schema: v.Schema}})
		}
		if p.mode, err = h.registry.Level(h.c.ctx, name); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if slices.ContainsFunc(all, func(p *past) bool { return p.mode != all[0].mode }) {
		for _, p := range all {
			p.modeFrom += " for " + p.called
		}
	}
	return all, nil
}

// names returns the subjects that hold a schema: as the configuration says, or else
// those that Confluent's strategies by record name would give, on any topic.
func (h *registryHistory) names(own, name string) []string {
	if h.subject != "" {
		return []string{h.subject}
	}
	if named := h.c.Config.named(own, name); named != "" {
		return []string{named}
	}
	var all []string
	for _, s := range h.subjects {
		if s == name || strings.HasSuffix(s, "-"+name) {
			all = append(all, s)
		}
	}
	return all
}

// wanted are the subjects that would have held a schema, for people.
func (h *registryHistory) wanted(name string) []string {
	if named := h.c.Config.named(name, name); named != "" {
		return []string{named}
	}
	return []string{name, "<topic>-" + name}
}

// named returns the subject that a schema has in a registry by its rule, "" if that does not say. own is its name,
// and name that or an older one.
func (c *Config) named(own, name string) string {
	rule := c.rule(own)
	if rule.Topic+rule.Subject+rule.Naming == "" {
		rule = c.rule(name)
	}
	switch {
	case rule.Subject != "":
		return rule.Subject
	case rule.Naming == "record":
		return schema.RecordName(rule.Topic, name)
	case rule.Naming == "topic":
		return schema.TopicName(rule.Topic, name)
	case rule.Topic != "":
		return schema.TopicRecordName(rule.Topic, name)
	}
	return ""
}

// gone returns the subjects that had a file where the change began, and that the registry has.
func (h *registryHistory) gone(candidates *set) (all []lost) {
	if h.before == nil {
		return nil
	}
	for _, l := range h.before.gone(candidates) {
		var in []string
		for _, called := range l.names() {
			in = append(in, slices.DeleteFunc(h.names(l.name, called), func(s string) bool { return !slices.Contains(h.subjects, s) })...)
		}
		if len(in) > 0 {
			l.called = strings.Join(in, ", ")
			all = append(all, l)
		}
	}
	return all
}

func (h *registryHistory) formerContracts() ([]*file, error) {
	if h.before == nil {
		return nil, nil
	}
	return h.before.formerContracts()
}
