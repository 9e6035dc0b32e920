package check

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troupe-go/troupe/schema"
)

// Formats are the names that Write knows.
var Formats = []string{"text", "json", "github", "gitlab", "sarif", "junit", "markdown"}

// Style is how a report is printed for people.
type Style struct {
	Color bool
	// All lists the subjects too about which there is nothing to say.
	All bool
}

// Write prints a report in one of the Formats.
func (r *Report) Write(w io.Writer, format string, style Style) error {
	switch format {
	case "text":
		return r.writeText(w, style)
	case "json":
		return writeJSON(w, r)
	case "github":
		return r.writeGitHub(w)
	case "gitlab":
		return writeJSON(w, r.gitlab())
	case "sarif":
		return writeJSON(w, r.sarif())
	case "junit":
		return r.writeJUnit(w)
	case "markdown":
		return r.writeMarkdown(w)
	}
	return fmt.Errorf("%q is none of %s", format, strings.Join(Formats, ", "))
}

func writeJSON(w io.Writer, of any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(of)
}

// group is the findings that break the same people.
type group struct {
	who      string
	findings []Finding
}

// groups are a subject's findings: what fails, what is waived, and the warnings.
func (r *Report) groups(s Subject) (failing, waived, warnings []group) {
	for _, f := range s.Findings {
		list := map[weight]*[]group{fails: &failing, excused: &waived, toLook: &warnings}[r.weigh(f)]
		who := f.Who
		if f.Warning {
			who = f.warned()
		}
		if i := slices.IndexFunc(*list, func(g group) bool { return g.who == who }); i >= 0 {
			(*list)[i].findings = append((*list)[i].findings, f)
			continue
		}
		*list = append(*list, group{who, []Finding{f}})
	}
	return failing, waived, warnings
}

// twins returns for each subject the files of the later ones with its name of which the same is to be said, and which subjects these
// later ones are: tools that make one .avsc file for each use of a type leave many copies of it.
func (r *Report) twins() (files map[int][]string, told map[int]bool) {
	files, told = map[int][]string{}, map[int]bool{}
	first := map[string]int{}
	for i, s := range r.Subjects {
		if len(s.Findings) == 0 && !s.Changed {
			continue
		}
		if f, ok := first[s.says()]; ok {
			files[f], told[i] = append(files[f], s.File), true
			continue
		}
		first[s.says()] = i
	}
	return files, told
}

// says is a text that is the same for subjects of which the same is to be said.
func (s Subject) says() string {
	parts := []string{s.Name, string(s.Status), s.Words, s.compared(), s.Deploy, s.Risk, s.Confluent, strings.Join(s.Changes, "\n")}
	for _, f := range s.Findings {
		parts = append(parts, string(f.Rule), string(f.Kind), f.Who, f.Path, strings.Join(f.details(), "\n"))
		if f.New.File != s.File { // a type in a file of its own
			parts = append(parts, f.New.String())
		}
	}
	return strings.Join(parts, "\x00")
}

// mostTwins is how many files are named of which the same is to be said.
const mostTwins = 4

// twinWords say in which other files a schema is, too.
func twinWords(files []string) string {
	return fmt.Sprintf("The same is in %s: %s.", count(len(files), "other file"), enumerateSome(files, mostTwins))
}

// warned says what a warning is about.
func (f Finding) warned() string {
	switch f.Kind {
	case NewReadsOld:
		return fmt.Sprintf("%s can read the events of %s, but look at this", newConsumers(f.Version), enumerate(f.Versions))
	case OldReadsNew:
		return fmt.Sprintf("consumers on %s can read %s, but look at this", enumerate(f.Versions), newEvents(f.Version))
	}
	return fmt.Sprintf("service %s can read %s, but look at this", f.Service, newEvents(f.Version))
}

// details is everything about a finding but who it breaks, in lines.
func (f Finding) details() []string {
	lines := []string{f.Problem + "."}
	if strings.HasSuffix(f.Problem, "?") {
		lines[0] = f.Problem
	}
	if f.Rule != schema.NameMismatch && f.Rule != MaybeRenamed && f.Rule != DefaultRemoved && !f.blamed && (f.Kind != OfSubject || f.Rule == GeneratedDiffers) { // which start with a name
		lines[0] = upper(lines[0])
	}
	for fix, first := f.Fix, "Fix: "; fix != nil; fix, first = fix.Else, "Or " {
		end := "."
		if fix.Else != nil || first == "Or " {
			end = ":"
		}
		lines = append(lines, first+fix.Words+end)
		if fix.JSON != "" {
			lines = append(lines, "     "+fix.JSON)
		}
	}
	if f.Confluent != "" {
		lines = append(lines, f.Confluent+".")
	}
	if f.Waived != nil {
		lines = append(lines, fmt.Sprintf("Waived until %s by %s: %s", f.Waived.Expires, f.Waived.Owner, f.Waived.Reason))
	}
	return lines
}

// oldPlace says where a field is that is gone, "" for other findings.
func (f Finding) oldPlace() string {
	if f.Rule != schema.MissingDefault || f.Kind != OldReadsNew && f.Kind != Contract || f.blamed || f.Old.Line == 0 {
		return ""
	}
	return " (" + f.Old.String() + ")"
}

// upper makes the first letter of a sentence large.
func upper(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// compared says what a subject was compared with, and in which mode.
func (s Subject) compared() string {
	line := fmt.Sprintf("%s (from %s)", s.Mode, s.ModeFrom)
	if len(s.Compared) > 0 {
		line += ", compared with " + enumerate(s.Compared)
	}
	if s.Registered != "" {
		line += " of " + s.Registered
	}
	if len(s.Added) > 0 {
		line += fmt.Sprintf("; %s are new, each compared with what was before it", enumerate(s.Added))
	}
	return line
}

// isOrdered reports whether a change passes, and breaks somebody all the same if it goes out in another order than Deploy.
func (s Subject) isOrdered() bool {
	return s.Status == Compatible && s.Changed && s.Deploy != "" && s.Deploy != anyOrder
}

// passes says that a change is no break, and on which condition.
func (s Subject) passes() string {
	if s.Deploy == "" || s.Deploy == anyOrder {
		return "compatible"
	}
	return "safe if deployed in this order: " + s.Deploy
}

// what says what changed, and who minds.
func (s Subject) what() string {
	words := "Changed: " + s.changed() + "."
	if s.Deploy == anyOrder {
		words += " Deploy: " + s.Deploy + "."
	}
	if s.Risk != "" {
		words += " " + upper(s.Risk) + "."
	}
	return words
}

// advice says how a change goes out that breaks somebody, or whose break is waived; "" if there is nothing to say or what has said it.
func (s Subject) advice(failing []group) string {
	fails := slices.ContainsFunc(failing, func(g group) bool { return g.findings[0].Rule != GeneratedDiffers })
	switch {
	case s.Deploy == "" || !fails && (s.Status != Excused || s.Deploy == noOrder):
		return ""
	case s.Deploy == noOrder:
		return s.instead()
	}
	words := s.Deploy + "."
	if s.Risk != "" && !(fails && wantsForward(s.Mode)) { // which has told it
		words += " " + upper(s.Risk) + "."
	}
	if fails && !strings.HasPrefix(s.Deploy, "with the alias, ") {
		return "If it must go out all the same: " + words
	}
	return "Deploy: " + words
}

// where is a subject's file, or what it is where the file is its name.
func (s Subject) where() string {
	if s.Unnamed != "" {
		return "(" + s.Unnamed + ", not a record)"
	}
	return s.File
}

// inRepository is a file's path from the repository's root, as CI systems want it.
func (r *Report) inRepository(file string) string {
	if path.IsAbs(file) {
		return file
	}
	return path.Join(r.Prefix, file)
}

// identity is what stays the same of a finding while lines move.
func (s Subject) identity(f Finding) string {
	id := strings.Join([]string{s.Name, string(f.Rule), string(f.Kind), f.Service, f.Path}, "|")
	if f.Version != "" {
		id += "|" + f.Version
	}
	if f.Rule == GeneratedDiffers { // there may be several of one schema
		id += "|" + f.New.File
	}
	return id
}

// clean replaces what would steer a terminal: file names are written by others.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c != '\n' && !unicode.IsPrint(c) {
			return '·'
		}
		return c
	}, strings.ToValidUTF8(s, "·"))
}
