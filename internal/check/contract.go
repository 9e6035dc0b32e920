package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

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
