// Package check compares schemas with their earlier versions and with the contracts
// of those who read them, and says who would break. Its Report is data; the Formats print it.
package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// SubjectDeleted is the Rule of a Finding about a schema that is gone.
const SubjectDeleted schema.Rule = "SUBJECT_DELETED"

// BaseUnreadable is the Rule of a Finding about an old version that is no schema.
const BaseUnreadable schema.Rule = "OLD_VERSION_UNREADABLE"

// VersionChanged is the Rule of a Finding about an old version, a file <subject>/<n>.avsc, that is another schema now or gone.
const VersionChanged schema.Rule = "OLD_VERSION_CHANGED"

var waivable = []string{
	string(schema.NameMismatch), string(schema.FixedSizeMismatch), string(schema.MissingEnumSymbols),
	string(schema.MissingDefault), string(schema.TypeMismatch), string(schema.MissingUnionBranch),
	string(schema.DecimalMismatch), string(schema.AmbiguousAlias),
	string(schema.NamespaceChanged), string(schema.PrecisionLoss), string(schema.LogicalTypeChanged),
	string(SubjectDeleted), string(BaseUnreadable), string(VersionChanged), string(GeneratedDiffers), string(MaybeRenamed), string(DefaultRemoved),
}

// Report is what a check found out.
type Report struct {
	// Against says in short what the schemas were compared with, such as "origin/main@1a2b3c4".
	Against string `json:"against"`
	// How says how that was chosen, "" where somebody said it.
	How string `json:"how,omitempty"`
	// Subjects are ordered by name.
	Subjects []Subject `json:"subjects"`
	// Waivers are those that somebody has to look at.
	Waivers []WaiverNote `json:"waivers"`
	// Problems are what could not be checked.
	Problems []Problem `json:"problems"`
	// Notes are said once, for all subjects.
	Notes   []Note  `json:"notes,omitempty"`
	Summary Summary `json:"summary"`

	// Prefix is where file names start within the repository, "" for its root.
	Prefix string `json:"-"`
	strict bool
	// sources are the files that were read, by their names.
	sources map[string]*source
}

// Unable is the report of a check that could not be made.
func Unable(err error) *Report {
	r := &Report{Subjects: []Subject{}, Waivers: []WaiverNote{}, Problems: []Problem{{Message: err.Error()}}}
	r.finish()
	return r
}

// Status is what became of a subject.
type Status string

// What became of a subject.
const (
	Compatible Status = "compatible"
	Breaking   Status = "breaking"
	Excused    Status = "waived" // it breaks, and somebody answers for it
	New        Status = "new"
	Deleted    Status = "deleted"   // and nobody minds
	Unchecked  Status = "unchecked" // the mode is NONE
)

// Subject is a schema with everything that was found out about it.
type Subject struct {
	// Name is the full name of the schema, or its file where it has none.
	Name string `json:"name"`
	// Unnamed says what a schema without a name is, such as "a union".
	Unnamed string `json:"unnamed,omitempty"`
	Status  Status `json:"status"`
	// File is where the schema is, or for a deleted one where it was.
	File string `json:"file"`
	// Registered is the subject in the registry, "" where there is none.
	Registered string `json:"registered,omitempty"`
	// Mode says which versions have to understand each other, and ModeFrom who says so.
	Mode     schema.Mode `json:"mode"`
	ModeFrom string      `json:"modeFrom"`
	// Compared are the versions that it was compared with, oldest first.
	Compared []string `json:"compared"`
	// Added are the versions that the change adds, oldest first, where there are several. Each was compared with those before it.
	Added []string `json:"added,omitempty"`
	// Contracts are the services whose contracts it was checked with.
	Contracts []string `json:"contracts,omitempty"`
	// Changed says that the newest version and the schema differ in more than their docs.
	Changed bool `json:"changed"`
	// Words say what there is to say about a new or deleted subject.
	Words string `json:"words,omitempty"`
	// Changes say in short what differs from the newest version.
	Changes []string `json:"changes,omitempty"`
	// Deploy says who goes first, and Risk what happens to who does not.
	Deploy   string    `json:"deploy,omitempty"`
	Risk     string    `json:"risk,omitempty"`
	Findings []Finding `json:"findings"`
	// Confluent is what Confluent's registry is expected to say, "" if nobody asked.
	Confluent string `json:"confluent,omitempty"`
}

// Kind says between whom a Finding is.
type Kind string

// Between whom a Finding is.
const (
	NewReadsOld Kind = "new-reads-old" // BACKWARD
	OldReadsNew Kind = "old-reads-new" // FORWARD
	Contract    Kind = "contract"
	OfSubject   Kind = "subject" // it is about the subject as a whole
)

// Finding is one thing that breaks, or deserves a look.
type Finding struct {
	Rule schema.Rule `json:"rule"`
	Kind Kind        `json:"kind"`
	// Warning says that it does not break anything by itself.
	Warning bool `json:"warning"`
	// Who says who breaks.
	Who string `json:"who"`
	// Problem says what is wrong, for people who don't know Avro's rules.
	Problem string `json:"problem"`
	// Version is the new one that it is about, where there are several.
	Version string `json:"version,omitempty"`
	// Versions are the ones with which it breaks, oldest first.
	Versions []string `json:"versions,omitempty"`
	// Service is whose contract breaks.
	Service string `json:"service,omitempty"`
	// Path is the JSON pointer in the reader's schema, Field the same for people.
	Path  string `json:"path"`
	Field string `json:"field,omitempty"`
	// New is the place in the schema that is checked, Old that in the other one.
	New Place `json:"new"`
	Old Place `json:"old"`
	Fix *Fix  `json:"fix,omitempty"`
	// Waived is who answers for it, nil if nobody does.
	Waived *Waived `json:"waived,omitempty"`
	// Confluent says what Confluent's registry makes of it, where that differs.
	Confluent string `json:"confluent,omitempty"`

	old    []string // fingerprints of the versions
	new    string
	blamed bool // a contract is at fault, not the change
}

// Fix says how to repair a Finding.
type Fix struct {
	Words string `json:"words"`
	// JSON is what to write, "" where words must do.
	JSON string `json:"json,omitempty"`
	// Else is the repair if that is not what was meant.
	Else *Fix `json:"else,omitempty"`

	then  string // what becomes of old events
	alias bool   // an alias is all that it takes
	was   string // what a field is called in old events, if the alias is that
	// edited is the schema with the fix, nil where words must do.
	edited *schema.Schema
}

// Waived is the waiver of a Finding.
type Waived struct {
	Reason  string `json:"reason"`
	Owner   string `json:"owner"`
	Expires string `json:"expires"`
}

// WaiverNote says what is wrong with a waiver.
type WaiverNote struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
	// Fails says that the check fails because of it.
	Fails bool `json:"fails"`
}

// Note is something to know about the whole.
type Note struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
	// Warning says that somebody should look at it.
	Warning bool `json:"warning"`
}

// String has the place in front.
func (n Note) String() string {
	if n.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", n.File, n.Line, n.Message)
	}
	return n.Message
}

// Problem is something that could not be checked.
type Problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	// Same are the problems that it stands for, if it stands for several: those of files that were so before the change.
	Same []Problem `json:"same,omitempty"`
}

// Summary counts the subjects.
type Summary struct {
	Compatible int `json:"compatible"`
	// Ordered are those of the compatible ones that are so only if they are deployed in their order.
	Ordered   int `json:"ordered"`
	Breaking  int `json:"breaking"`
	New       int `json:"new"`
	Deleted   int `json:"deleted"`
	Unchecked int `json:"unchecked"`
	Waived    int `json:"waived"`
	// Warnings are findings that deserve a look.
	Warnings int `json:"warnings"`
	// Compared is how many subjects were compared with something.
	Compared int `json:"compared"`
	// Contracts is how many contracts were checked, and Services how many have them.
	Contracts int      `json:"contracts"`
	Services  int      `json:"services"`
	Modes     []string `json:"modes"`
	// Exit is the exit code: 0 compatible, 1 breaking, 2 not everything could be checked.
	Exit int `json:"exit"`
}

// Fails reports whether a Finding makes the check fail.
func (r *Report) Fails(f Finding) bool { return f.Waived == nil && (!f.Warning || r.strict) }

// weight says how much something that a report says matters.
type weight int

const (
	fails   weight = iota
	toLook         // it deserves a look
	excused        // somebody answers for it
	said           // it is good to know
)

func (r *Report) weigh(f Finding) weight {
	switch {
	case f.Waived != nil:
		return excused
	case r.Fails(f):
		return fails
	}
	return toLook
}

func (r *Report) weighNote(n Note) weight {
	switch {
	case !n.Warning:
		return said
	case r.strict:
		return fails
	}
	return toLook
}

func (n WaiverNote) weight() weight {
	if n.Fails {
		return fails
	}
	return toLook
}

// finish counts, and decides.
func (r *Report) finish() {
	s := Summary{Modes: []string{}}
	for i := range r.Subjects {
		sub := &r.Subjects[i]
		for _, f := range sub.Findings {
			switch {
			case f.Waived != nil && sub.Status != Breaking:
				sub.Status = Excused
			case f.Warning:
				s.Warnings++
			}
			if r.Fails(f) {
				sub.Status = Breaking
			}
		}
		if len(sub.Compared)+len(sub.Contracts) > 0 && (sub.Status != Unchecked || len(sub.Contracts) > 0) {
			s.Compared++
		}
		if sub.Mode != "" && len(sub.Compared) > 0 && !slices.Contains(s.Modes, string(sub.Mode)) {
			s.Modes = append(s.Modes, string(sub.Mode))
		}
		switch sub.Status {
		case Breaking:
			s.Breaking++
		case Excused:
			s.Waived++
		case New:
			s.New++
		case Deleted:
			s.Deleted++
		case Unchecked:
			s.Unchecked++
		default:
			s.Compatible++
			if sub.isOrdered() {
				s.Ordered++
			}
		}
	}
	services := map[string]bool{}
	for _, sub := range r.Subjects {
		s.Contracts += len(sub.Contracts)
		for _, name := range sub.Contracts {
			services[name] = true
		}
	}
	s.Services = len(services)
	noted := 0
	for _, n := range r.Notes {
		if n.Warning {
			noted++
		}
	}
	s.Warnings += noted
	slices.Sort(s.Modes)
	switch {
	case len(r.Problems) > 0:
		s.Exit = 2
	case s.Breaking > 0 || noted > 0 && r.strict || slices.ContainsFunc(r.Waivers, func(w WaiverNote) bool { return w.Fails }):
		s.Exit = 1
	}
	r.Summary = s
}

// String is the summary in one line.
func (r *Report) String() string {
	s := r.Summary
	var parts []string
	if s.Breaking > 0 {
		parts = append(parts, count(s.Breaking, "subject")+" breaking")
	}
	for _, p := range []struct {
		n    int
		what string
	}{{s.Waived, "waived"}, {s.New, "new"}, {s.Deleted, "deleted"}, {s.Unchecked, "not checked"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if s.Ordered > 0 {
		parts = append(parts, fmt.Sprintf("%d compatible if deployed in order", s.Ordered))
	}
	if plain := s.Compatible - s.Ordered; plain > 0 || len(parts) == 0 && len(r.Problems) == 0 {
		parts = append(parts, fmt.Sprintf("%d compatible", plain))
	}
	if s.Warnings > 0 {
		parts = append(parts, count(s.Warnings, "warning"))
	}
	if s.Contracts > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s checked", count(s.Contracts, "contract"), count(s.Services, "service")))
	}
	if failing := r.failingWaivers(); failing > 0 {
		parts = append(parts, count(failing, "waiver")+" to look at")
	}
	problems := 0
	for _, p := range r.Problems {
		problems += max(1, len(p.Same))
	}
	if problems > 0 {
		parts = append(parts, count(problems, "problem"))
	}
	about := append([]string{"against " + r.Against}, s.Modes...)
	if r.Against == "" {
		about = s.Modes
	}
	line := strings.Join(parts, ", ")
	if len(about) > 0 {
		line += " (" + strings.Join(about, ", ") + ")"
	}
	return line
}

func (r *Report) failingWaivers() (n int) {
	for _, w := range r.Waivers {
		if w.Fails {
			n++
		}
	}
	return n
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
