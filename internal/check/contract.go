package check

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// contract is a schema that a service reads with.
type contract struct {
	service string
	*version
}

// contracts reads the services' reader schemas, by the name of the schema.
func (c *checker) contracts() (map[string][]contract, error) {
	dir := c.contractsDir()
	full := filepath.Join(c.tree.root, filepath.FromSlash(dir))
	if filepath.IsAbs(c.Contracts) {
		full = c.Contracts
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		if c.Contracts != "" {
			return nil, fmt.Errorf("the contracts' directory %s: %w", dir, cause(err))
		}
		return nil, nil
	}
	all := map[string][]contract{}
	for _, e := range entries {
		service, err := filepath.EvalSymlinks(filepath.Join(full, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("the contracts' directory %s: %s: %w", dir, e.Name(), cause(err))
		}
		info, err := os.Stat(service)
		if err != nil {
			return nil, fmt.Errorf("the contracts' directory %s: %s: %w", dir, e.Name(), cause(err))
		}
		if !info.IsDir() {
			if path.Ext(e.Name()) == extension {
				c.strayContract(dir, e.Name())
			}
			continue
		}
		t := &workTree{root: service, show: func(p string) string { return path.Join(dir, e.Name(), p) }}
		paths, err := t.list(nil)
		if err != nil {
			return nil, err
		}
		files := c.load(t, paths)
		s, err := newSet(files, false, nil)
		if err != nil {
			return nil, err
		}
		c.report.Problems = append(c.report.Problems, s.problems...)
		c.hasContracts = c.hasContracts || len(files) > 0
		for _, sub := range s.subjects {
			all[sub.name] = append(all[sub.name], contract{e.Name(), sub.newest()})
		}
	}
	return all, nil
}

// adopt gives the contracts for names that no candidate has to those that they have as aliases.
func adopt(contracts map[string][]contract, candidates *set) {
	known := map[string]bool{}
	for _, sub := range candidates.subjects {
		for _, name := range sub.names() {
			known[name] = true
		}
	}
	for name, ks := range contracts {
		if known[name] {
			continue
		}
		contracts[name] = slices.DeleteFunc(ks, func(k contract) bool {
			for _, alias := range k.schema.Aliases() {
				if known[alias] {
					contracts[alias] = append(contracts[alias], k)
					return true
				}
			}
			return false
		})
		if len(contracts[name]) == 0 {
			delete(contracts, name)
		}
	}
}

func (c *checker) contractsDir() string {
	if c.Contracts != "" {
		return path.Clean(filepath.ToSlash(c.Contracts))
	}
	return path.Join(filepath.ToSlash(c.ConfigDir), cmp.Or(c.Config.Contracts, "contracts"))
}

// strayContract says that a file in the contracts' directory belongs to no service.
func (c *checker) strayContract(dir, name string) {
	file := path.Join(dir, name)
	c.report.Problems = append(c.report.Problems, Problem{File: file, Message: fmt.Sprintf("%s belongs to no service: %s", file, setAside(dir))})
}

// deployWithContracts says that a service that cannot read new events goes before all others.
func (s *Subject) deployWithContracts() {
	var broken []contract
	for _, f := range s.Findings {
		if f.Kind == Contract && !f.Warning && !f.blamed && !slices.ContainsFunc(broken, func(k contract) bool { return k.service == f.Service }) {
			broken = append(broken, contract{service: f.Service})
		}
	}
	if len(broken) > 0 && s.Deploy != "" && !strings.HasPrefix(s.Deploy, noOrder) {
		s.Deploy = fmt.Sprintf("first %s, with a schema that can read new events; then %s", services(broken), s.Deploy)
	}
}

// contract checks what a service reads: each version that a change adds.
func (c *checker) contract(s *Subject, sub *subject, k contract, pasts []*past) {
	s.Contracts = append(s.Contracts, k.service)
	last, added := newestOf(pasts), sub.versions[len(sub.versions)-max(1, len(s.Added)):]
	for i, v := range added {
		of := ""
		if len(added) > 1 {
			of = s.Added[i]
		}
		s.Findings = append(s.Findings, k.findings(v, of, last)...)
		if i < len(added)-1 && last == nil {
			last = v
		}
	}
}

// findings are those of a contract and a version. A contract that did not fit the last version either is at fault itself.
func (k contract) findings(v *version, of string, last *version) []Finding {
	labelled := *k.version
	labelled.label = k.service
	p := pair{old: &labelled, new: v, kind: Contract, service: k.service, of: of}
	if last != nil {
		p.before = last.schema
	}
	findings := p.findings()
	if last != nil {
		before, _ := violations(last.schema, k.schema)
		for i := range findings {
			if slices.ContainsFunc(before, findings[i].isOf) {
				p.blameContract(&findings[i], "before")
			}
		}
	} else {
		for i := range findings {
			if findings[i].Rule == schema.MissingDefault {
				p.blameContract(&findings[i], "")
			}
		}
	}
	return findings
}

// isOf reports whether a Finding is about a violation, whoever writes.
func (f Finding) isOf(v schema.Violation) bool { return f.Rule == v.Rule && f.Path == v.Path }

// blameContract says that a contract asks for what is not, and was not.
func (p pair) blameContract(f *Finding, before string) {
	f.blamed = true
	f.New, f.Old = f.Old, f.New
	name := p.new.schema.FullName()
	f.Who = fmt.Sprintf("service %s cannot read %s", p.service, name)
	if before != "" {
		f.Who += ", and could not before this change"
	}
	f.Fix = &Fix{Words: "correct the contract"}
	if f.Rule != schema.MissingDefault {
		return
	}
	field := last(f.Field)
	f.Problem = fmt.Sprintf("%s's contract asks for %s, which %s has not", p.service, field, name)
	if before != "" {
		f.Problem += ", and had not before"
	}
	r := p.follow(schema.Violation{Rule: f.Rule, Path: f.Path, Field: f.Field}, p.new.document())
	if r.wRecord != nil {
		var names []string
		for _, w := range r.wRecord.fields {
			names = append(names, w.name)
		}
		squeeze := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }
		near := closest(field, names)
		if distance(field, near)*2 > len(field) {
			near = ""
		}
		for _, n := range names {
			if squeeze(n) == squeeze(field) {
				near = n
			}
		}
		if near != "" {
			f.Problem += fmt.Sprintf(". Did you mean %s?", near)
		}
	}
	f.Fix.Words = fmt.Sprintf("name a field in the contract that %s has, or give %s a default there", name, field)
}
