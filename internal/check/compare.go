package check

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// Fingerprint is what waivers call a schema by: it changes with everything that may matter, defaults and aliases too.
func Fingerprint(s *schema.Schema) string {
	sum := sha256.Sum256([]byte(s.String()))
	return hex.EncodeToString(sum[:8])
}

// subject checks a candidate and adds it to the report.
func (c *checker) subject(sub *subject, candidates *set, h history, contracts map[string][]contract) error {
	pasts, err := h.of(sub)
	var elsewhere *otherRepositoryError
	if errors.As(err, &elsewhere) {
		c.report.Problems = append(c.report.Problems, Problem{File: elsewhere.file, Message: elsewhere.Error()})
		return nil
	}
	if err != nil {
		return err
	}
	v := sub.newest()
	s := Subject{Name: sub.name, Status: Compatible, File: v.show, Compared: []string{}, Findings: []Finding{}}
	for _, v := range sub.versions {
		c.seen[sub.name] = append(c.seen[sub.name], v.fingerprint())
	}
	if len(pasts) == 0 {
		pasts = []*past{{}}
	}
	var called []string
	for _, p := range pasts {
		mode, from := s.Mode, s.ModeFrom
		if err := c.chooseMode(&s, p); err != nil {
			return err
		}
		if p.called != "" {
			called = append(called, p.called)
		}
		c.compareAdded(&s, sub, p)
		s.Findings = append(s.Findings, c.changedVersions(sub, p.kept)...)
		if s.Mode == schema.None && mode != "" { // one of its subjects is checked, the other one is not
			s.Mode, s.ModeFrom = mode, from
		}
	}
	s.Registered = strings.Join(called, ", ")
	switch {
	case len(s.Compared) == 0:
		s.Status, s.Words = New, c.newWords()
		if r, ok := h.(*registryHistory); ok {
			s.Words += ", no subject " + strings.Join(r.wanted(sub.name), " or ")
		}
		c.fresh[sub] = true
	case s.Mode == schema.None:
		s.Status, s.Words = Unchecked, fmt.Sprintf("not checked: its mode is NONE (from %s)", s.ModeFrom)
	}
	if sub.unnamed {
		s.Unnamed = kindWords(v.document().root.kind)
	}
	for _, name := range sub.names() {
		if name == sub.name || len(candidates.byName[name]) == 0 { // a service may still read it by its old name
			for _, k := range contracts[name] {
				c.contract(&s, sub, k, pasts)
			}
		}
	}
	keepRenamed(s.Findings)
	shareRenamed(s.Findings)
	s.deployWithContracts()
	c.report.Subjects = append(c.report.Subjects, s)
	return nil
}

func (c *checker) newWords() string {
	switch {
	case c.repo != nil && c.Tags != "":
		return fmt.Sprintf("new: %s do not have this schema", c.report.Against)
	case c.report.How == "" && strings.HasPrefix(c.report.Against, "no"):
		return "new"
	}
	return fmt.Sprintf("new: %s does not have this schema", c.report.Against)
}

// chooseMode decides which versions of a subject have to understand each other.
func (c *checker) chooseMode(s *Subject, p *past) error {
	mode, from := c.Config.mode(s.Name)
	switch {
	case c.Mode != "":
		mode, from = c.Mode, "--mode"
	case mode != "":
	case p.mode != "":
		mode, from = p.mode, p.modeFrom
	default:
		mode, from = schema.Backward, "the default"
	}
	parsed, err := schema.ParseMode(string(mode))
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.Name, from, err)
	}
	s.Mode, s.ModeFrom = parsed, from
	return nil
}

// asked are the versions that a mode asks about.
func asked(mode schema.Mode, versions []*version) []*version {
	if strings.HasSuffix(string(mode), "_TRANSITIVE") {
		return versions
	}
	return versions[max(0, len(versions)-1):]
}

// compare compares a schema with the versions before it that its mode asks about, and returns in which order it goes out and
// what happens to who is late. of is what it is called where it is not the only new one.
func (c *checker) compare(s *Subject, v *version, of string, before []*version) (deploy, risk string) {
	if len(before) == 0 || s.Mode == schema.None {
		return "", ""
	}
	last, changed, verdict := before[len(before)-1], false, ""
	var findings, readsOld, readNew []Finding
	for _, old := range asked(s.Mode, before) {
		if same(old, v) {
			continue
		}
		if old.broken != nil {
			findings = append(findings, unreadable(old, v, of))
			continue
		}
		both := wantsBackward(s.Mode) && wantsForward(s.Mode)
		backward := pair{old: old, new: v, kind: NewReadsOld, of: of, both: both}.findings()
		forward := pair{old: old, new: v, kind: OldReadsNew, of: of, both: both, unasked: !wantsForward(s.Mode)}.findings()
		if both {
			agree(old.schema, backward, forward)
		}
		if old == last || wantsBackward(s.Mode) {
			readsOld = append(readsOld, backward...)
		}
		if old == last || wantsForward(s.Mode) {
			readNew = append(readNew, forward...)
		}
		if old == last {
			var noted []Finding
			noted, changed = s.note(old, v, of, backward, forward)
			findings = append(findings, noted...)
			if c.Confluent {
				verdict = emulate(s.Mode, v.schema, before)
			}
		}
		if wantsBackward(s.Mode) {
			findings = append(findings, backward...)
		}
		if wantsForward(s.Mode) {
			findings = append(findings, forward...)
		}
	}
	if changed {
		deploy, risk = rollOut(s.Mode, last, v, readsOld, readNew)
	}
	if c.Confluent {
		for i := range findings {
			findings[i].Confluent = confluentSays(findings[i], verdict)
		}
		s.Confluent = worst(s.Confluent, verdict)
	}
	s.Findings = append(s.Findings, merge(findings)...)
	return deploy, risk
}

// mostOlder is how many versions are looked at that the mode does not ask about.
const mostOlder = 50

// noteOlder notes the versions that are known, and that a mode for the last one does not ask about, and cannot be read.
func (c *checker) noteOlder(s *Subject, v *version, older []*version) {
	if !wantsBackward(s.Mode) {
		return
	}
	var lost []string
	for _, old := range older[max(0, len(older)-mostOlder):] {
		if old.schema == nil {
			continue
		}
		if found, err := violations(old.schema, v.schema); err == nil && breaks(found) > 0 {
			lost = append(lost, old.label)
		}
	}
	if len(lost) > 0 {
		c.noteAt(v.show, 0, false, "%s cannot read the events of %s: %s asks about the last version only, %[3]s_TRANSITIVE about all", s.Name, enumerate(lost), s.Mode)
	}
}

func wantsBackward(m schema.Mode) bool {
	return strings.HasPrefix(string(m), "BACKWARD") || strings.HasPrefix(string(m), "FULL")
}

func wantsForward(m schema.Mode) bool {
	return strings.HasPrefix(string(m), "FORWARD") || strings.HasPrefix(string(m), "FULL")
}

func broken(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return !f.Warning })
}

// unreadable says that an old version is no schema.
func unreadable(old, v *version, of string) Finding {
	f := Finding{
		Rule: BaseUnreadable, Kind: OfSubject, Versions: []string{old.label}, Version: of,
		Who:     fmt.Sprintf("nobody can tell whether new consumers can read what %s wrote", old.label),
		Problem: fmt.Sprintf("%s is no schema: %v", old.show, old.broken),
		New:     Place{File: v.show, Line: 1, Column: 1}, Old: Place{File: old.show},
		Fix: &Fix{Words: "compare with an older version (--against), or waive it if nothing was ever written with that one"},
		old: []string{old.label}, new: v.fingerprint(),
	}
	var parse *schema.ParseError
	if errors.As(old.broken, &parse) {
		f.Old.Line, f.Old.Column = parse.Line, parse.Column
	}
	return f
}

// pair is an old and a new schema, and who reads.
type pair struct {
	old, new *version
	kind     Kind
	service  string
	// of is what new is called, "" where it is the only new version.
	of string
	// before is what a contract's fix must be able to read too, nil if there is nothing.
	before *schema.Schema
	// unasked says that the mode does not ask about the pair: its findings get no fixes, nor better places.
	unasked bool
	// both says that the mode asks about both directions.
	both bool
}

func (p pair) writer() *schema.Schema {
	if p.kind == NewReadsOld {
		return p.old.schema
	}
	return p.new.schema
}

func (p pair) reader() *schema.Schema {
	if p.kind == NewReadsOld {
		return p.new.schema
	}
	return p.old.schema
}

// findings is everything about the pair.
func (p pair) findings() (all []Finding) {
	violations, err := violations(p.writer(), p.reader())
	if err != nil { // there is no rule for it: too large to be resolved
		f := p.finding(schema.Violation{Rule: schema.TypeMismatch})
		f.Problem = err.Error()
		return append(all, f)
	}
	most, broken := mostFixes, breaks(violations)
	if max(len(p.old.schema.String()), len(p.new.schema.String())) > largeText {
		most = fewFixes
	}
	for i, v := range violations {
		f := p.finding(v)
		switch {
		case p.unasked:
		case i < most:
			f.New = p.near(v, f.New)
			if !f.Warning {
				f.Fix = fix(p, v, broken)
			}
		case i == most && !f.Warning:
			f.Fix = &Fix{Words: fmt.Sprintf("from here on none was looked for: only the first %d findings get one", most)}
		}
		all = append(all, f)
	}
	return all
}

// neighbour is where a field is missing: at the one that stood before it, or else at the record.
func (p pair) neighbour(f *fixing, at Place) Place {
	if f.field == nil || f.rRecord == nil || f.wRecord == nil {
		return at
	}
	for i := slices.Index(f.rRecord.fields, f.field) - 1; i >= 0; i-- {
		if name := f.rRecord.fields[i].name; f.wRecord.field(name) != nil {
			if near := p.new.within(f.wRecord.name, name, Place{Type: at.Type}); near != nil {
				return *near
			}
		}
	}
	return at
}

// near is where to look for a violation in the candidate: not where a type is defined that a field
// only names, but at the field.
func (p pair) near(v schema.Violation, at Place) Place {
	missing := v.Rule == schema.MissingDefault && p.kind != NewReadsOld
	ambiguous := v.Rule == schema.AmbiguousAlias && p.kind != NewReadsOld
	if v.Rule != schema.TypeMismatch && v.Rule != schema.MissingUnionBranch && !missing && !ambiguous || p.new.within == nil {
		return at
	}
	f := p.follow(v, p.new.document())
	switch {
	case missing:
		return p.neighbour(f, at)
	case ambiguous && f.wRecord != nil:
		if fits := f.fitting(f.field); len(fits) > 0 {
			f.in = fits[len(fits)-1]
		}
	}
	if f.in != "" {
		if near := p.new.within(f.of, f.in, at); near != nil {
			return *near
		}
	}
	return at
}

// violations are those of a pair of schemas, or the warnings if it can be read.
func violations(writer, reader *schema.Schema) ([]schema.Violation, error) {
	plan, err := schema.Resolve(writer, reader)
	var mismatch *schema.MismatchError
	switch {
	case err == nil:
		return plan.Warnings(), nil
	case errors.As(err, &mismatch) && len(mismatch.Violations) > 0:
		return mismatch.Violations, nil
	}
	return nil, err
}

func (p pair) finding(v schema.Violation) Finding {
	f := Finding{
		Rule: v.Rule, Kind: p.kind, Version: p.of, Warning: v.Rule.Warning(), Service: p.service,
		Who: p.who([]string{p.old.label}), Problem: p.problem(v),
		Path: v.Path, Field: v.Field, New: placeOf(v.Reader), Old: placeOf(v.Writer),
		old: []string{p.old.fingerprint()}, new: p.new.fingerprint(),
	}
	if p.service == "" {
		f.Versions = []string{p.old.label}
	}
	if p.kind != NewReadsOld {
		f.New, f.Old = f.Old, f.New
	}
	if f.New.File == "" {
		f.New.File = p.new.show
	}
	if f.Old.File == "" {
		f.Old.File = p.old.show
	}
	return f
}

// merge makes one Finding of those that are the same for several versions.
func merge(findings []Finding) (all []Finding) {
	type key struct {
		rule             schema.Rule
		kind             Kind
		path, field      string
		problem          string
		new              Place
		oldType, newType string
	}
	first := map[key]int{}
	for _, f := range findings {
		k := key{f.Rule, f.Kind, f.Path, f.Field, f.Problem, f.New, f.Old.Type, f.New.Type}
		i, ok := first[k]
		if !ok || f.Rule == BaseUnreadable {
			first[k] = len(all)
			all = append(all, f)
			continue
		}
		g := &all[i]
		g.Versions = append(slices.Clone(g.Versions), f.Versions...)
		g.old = append(slices.Clone(g.old), f.old...)
		g.Old, g.Fix = f.Old, f.Fix // of the newest version
		g.Who = pair{kind: f.Kind, of: f.Version}.who(g.Versions)
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(kindOrder(a), kindOrder(b)) })
	return all
}

func kindOrder(f Finding) int {
	n := slices.Index([]Kind{OfSubject, NewReadsOld, OldReadsNew, Contract}, f.Kind)
	if f.Warning {
		n += 10
	}
	return n
}

// kindWords is a type that has no name.
func kindWords(kind string) string {
	switch kind {
	case "array", "enum", "int":
		return "an " + kind
	case "null":
		return kind
	}
	return "a " + kind
}

func services(contracts []contract) string {
	var names []string
	for _, k := range contracts {
		names = append(names, k.service)
	}
	return plural(len(names), "service ", "services ") + enumerate(names)
}
