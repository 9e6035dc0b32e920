package check

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// writeGitHub prints workflow commands, which GitHub shows beside the lines of a change.
func (r *Report) writeGitHub(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			level := "error"
			switch {
			case f.Waived != nil:
				level = "notice"
			case !r.Fails(f):
				level = "warning"
			}
			text := []string{upper(f.says()) + "."}
			r.annotate(b, level, f.New, fmt.Sprintf("%s: %s", f.Rule, s.Name), strings.Join(append(text, f.details()...), "\n"))
		}
		if s.Status == New {
			r.annotate(b, "notice", Place{File: s.File, Line: 1}, s.Name, s.Words)
		}
		if s.Changed && s.Status == Compatible {
			r.annotate(b, "notice", Place{File: s.File, Line: 1}, s.Name, upper(s.passes())+". "+s.what())
		}
	}
	for _, n := range r.Waivers {
		level := "warning"
		if n.Fails {
			level = "error"
		}
		r.annotate(b, level, Place{File: n.File, Line: n.Line}, "Waiver", n.Message)
	}
	for _, p := range r.Problems {
		r.annotate(b, "error", Place{File: p.File, Line: p.Line, Column: p.Column}, "Could not be checked", p.Message)
	}
	for _, n := range r.Notes {
		level := "notice"
		switch {
		case n.Warning && r.strict:
			level = "error"
		case n.Warning:
			level = "warning"
		}
		r.annotate(b, level, Place{File: n.File, Line: n.Line}, "Note", n.Message)
	}
	fmt.Fprintln(b, clean(r.String()))
	return b.Flush()
}

// says is who breaks, or for a warning what it is about.
func (f Finding) says() string {
	if f.Warning {
		return f.warned()
	}
	return f.Who
}

func (r *Report) annotate(w io.Writer, level string, at Place, title, message string) {
	var where []string
	if at.File != "" {
		where = append(where, "file="+property(r.inRepository(at.File)))
	}
	if at.Line > 0 {
		where = append(where, fmt.Sprintf("line=%d", at.Line))
	}
	if at.Column > 0 {
		where = append(where, fmt.Sprintf("col=%d", at.Column))
	}
	where = append(where, "title="+property(title))
	fmt.Fprintf(w, "::%s %s::%s\n", level, strings.Join(where, ","), data(message))
}

// data escapes the message of a workflow command.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property escapes a property of a workflow command.
func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}

// The parts of SARIF 2.1.0 (OASIS) that are used.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifResult struct {
		RuleID              string             `json:"ruleId"`
		RuleIndex           int                `json:"ruleIndex"`
		Level               string             `json:"level"`
		Message             sarifText          `json:"message"`
		Locations           []sarifLocation    `json:"locations"`
		PartialFingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
)

func (r *Report) sarif() sarifLog {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "troupe schema check", InformationURI: "https://github.com/troupe-go/troupe", Rules: []sarifRule{},
		}},
		Results: []sarifResult{},
	}
	index := map[schema.Rule]int{}
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			i, known := index[f.Rule]
			if !known {
				i = len(run.Tool.Driver.Rules)
				index[f.Rule] = i
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{string(f.Rule), sarifText{ruleText[f.Rule]}})
			}
			run.Results = append(run.Results, r.sarifResult(s, f, i))
		}
	}
	done := sarifInvocation{ExecutionSuccessful: len(r.Problems) == 0}
	for _, p := range r.Problems {
		done.Notifications = append(done.Notifications, sarifNotification{"error", sarifText{p.Message}, r.sarifAt(Place{File: p.File, Line: p.Line, Column: p.Column})})
	}
	for _, n := range r.Waivers {
		level := "warning"
		if n.Fails {
			level = "error"
		}
		done.Notifications = append(done.Notifications, sarifNotification{level, sarifText{n.Message}, r.sarifAt(Place{File: n.File, Line: n.Line})})
	}
	for _, n := range r.Notes {
		done.Notifications = append(done.Notifications, sarifNotification{"warning", sarifText{n.Message}, r.sarifAt(Place{File: n.File, Line: n.Line})})
	}
	run.Invocations = []sarifInvocation{done}
	return sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func (r *Report) sarifResult(s Subject, f Finding, rule int) sarifResult {
	level := "error"
	if !r.Fails(f) && f.Waived == nil {
		level = "warning"
	}
	text := append([]string{upper(f.says()) + "."}, f.details()...)
	result := sarifResult{
		RuleID: string(f.Rule), RuleIndex: rule, Level: level,
		Message:   sarifText{fmt.Sprintf("%s: %s", s.Name, strings.Join(text, "\n"))},
		Locations: r.sarifAt(f.New),
		PartialFingerprints: map[string]string{
			"troupe/v1": strings.Join([]string{s.Name, string(f.Rule), string(f.Kind), f.Service, f.Path}, "|"),
		},
	}
	if f.Waived != nil {
		result.Suppressions = []sarifSuppression{{"external", fmt.Sprintf("%s (%s, until %s)", f.Waived.Reason, f.Waived.Owner, f.Waived.Expires)}}
	}
	return result
}

func (r *Report) sarifAt(p Place) []sarifLocation {
	if p.File == "" {
		return []sarifLocation{}
	}
	artifact := sarifArtifact{URI: (&url.URL{Path: r.inRepository(p.File)}).String(), URIBaseID: "%SRCROOT%"}
	at := sarifPhysical{ArtifactLocation: artifact}
	if p.Line > 0 {
		at.Region = &sarifRegion{p.Line, p.Column}
	}
	return []sarifLocation{{at}}
}

// ruleText says in a few words what a rule is.
var ruleText = map[schema.Rule]string{
	schema.NameMismatch:       "A type was renamed without an alias.",
	schema.FixedSizeMismatch:  "A fixed has another size.",
	schema.MissingEnumSymbols: "An enum lacks symbols that may be written, and has no default.",
	schema.MissingDefault:     "A field is not written, and has no default.",
	schema.TypeMismatch:       "A type cannot be read as another one.",
	schema.MissingUnionBranch: "A union lacks a type that may be written.",
	schema.DecimalMismatch:    "A decimal has another precision or scale.",
	schema.AmbiguousAlias:     "Several fields fit each other by their names and aliases.",
	schema.NamespaceChanged:   "An enum or fixed in a union has another namespace, and some decoders do not find it.",
	schema.PrecisionLoss:      "Large numbers are rounded.",
	schema.LogicalTypeChanged: "The same number means something else.",
	MaybeRenamed:              "A field is new where one of its type is gone: renamed, it needs an alias.",
	DefaultRemoved:            "A field lost its default, which events from before the field need.",
	SubjectDeleted:            "A schema is gone.",
	BaseUnreadable:            "An old version is no schema.",
	VersionChanged:            "An old version is another schema now, or gone.",
}

type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Skipped *junitMessage `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

func (r *Report) writeJUnit(w io.Writer) error {
	suite := junitSuite{Name: "troupe schema check, against " + r.Against}
	for _, s := range r.Subjects {
		suite.add(r.junitCase(s))
	}
	for _, n := range r.Waivers {
		c := junitCase{Class: "waivers", Name: fmt.Sprintf("%s:%d", n.File, n.Line), File: r.inRepository(n.File), Out: n.Message}
		if n.Fails {
			c.Failure, c.Out = &junitMessage{n.Message, "WAIVER", n.Message}, ""
		}
		suite.add(c)
	}
	for _, p := range r.Problems {
		suite.add(junitCase{Class: "files", Name: cmp.Or(p.File, "all"), File: r.inRepository(p.File), Error: &junitMessage{p.Message, "PROBLEM", p.Message}})
	}
	all := junitSuites{Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped, Suites: []junitSuite{suite}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

func (r *Report) junitCase(s Subject) junitCase {
	c := junitCase{Class: "schemas", Name: s.Name, File: r.inRepository(s.File), Out: s.Words}
	failing, _, warnings := r.groups(s)
	switch {
	case len(failing) > 0:
		f := failing[0].findings[0]
		c.Failure = &junitMessage{fmt.Sprintf("%s: %s", f.says(), f.Problem), string(f.Rule), junitText(failing)}
	case s.Status == Unchecked:
		c.Skipped = &junitMessage{Message: s.Words}
	case len(warnings) > 0:
		c.Out = junitText(warnings)
	}
	return c
}

func junitText(groups []group) string {
	var b strings.Builder
	for _, g := range groups {
		b.WriteString(upper(g.who) + ":\n")
		for _, f := range g.findings {
			fmt.Fprintf(&b, "  %s %s %s\n", f.New, f.Rule, f.Field)
			for _, l := range f.details() {
				b.WriteString("    " + l + "\n")
			}
		}
	}
	return b.String()
}

// writeMarkdown prints a report for a comment on a change.
func (r *Report) writeMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "### Schemas: %s\n", mark(r.String()))
	if r.How != "" {
		fmt.Fprintf(b, "\nCompared with %s: %s.\n", mark(r.Against), mark(r.How))
	}
	for _, s := range r.Subjects {
		r.markdownSubject(b, s)
	}
	if len(r.Problems) > 0 {
		fmt.Fprint(b, "\n#### Could not be checked\n\n")
		for _, p := range r.Problems {
			fmt.Fprintf(b, "- %s\n", mark(p.Message))
		}
	}
	if len(r.Waivers)+len(r.Notes) > 0 {
		fmt.Fprint(b, "\n#### Waivers and notes\n\n")
		for _, n := range r.Waivers {
			fmt.Fprintf(b, "- %s: %s\n", code(fmt.Sprintf("%s:%d", n.File, n.Line)), mark(n.Message))
		}
		for _, n := range r.Notes {
			fmt.Fprintf(b, "- %s\n", mark(n.String()))
		}
	}
	return b.Flush()
}

func (r *Report) markdownSubject(b io.Writer, s Subject) {
	failing, waived, warnings := r.groups(s)
	if len(failing)+len(waived)+len(warnings) == 0 {
		switch {
		case s.Words != "":
			fmt.Fprintf(b, "\n- **%s** (%s): %s\n", mark(s.Name), code(s.File), mark(s.Words))
		case s.Changed:
			fmt.Fprintf(b, "\n- **%s** (%s): %s. %s\n", mark(s.Name), code(s.File), mark(s.passes()), mark(s.what()))
		}
		return
	}
	fmt.Fprintf(b, "\n#### %s (%s)\n", mark(s.Name), code(s.File))
	if len(s.Compared) > 0 {
		fmt.Fprintf(b, "\n%s\n", mark(s.compared()))
	}
	for _, part := range []struct {
		sign   string
		groups []group
	}{{"❌", failing}, {"☑️ waived:", waived}, {"⚠️", warnings}} {
		for _, g := range part.groups {
			fmt.Fprintf(b, "\n%s **%s**\n\n", part.sign, mark(upper(g.who)))
			for _, f := range g.findings {
				markdownFinding(b, f)
			}
		}
	}
	if s.Changed && len(failing)+len(waived) == 0 {
		fmt.Fprintf(b, "\n%s. %s\n", mark(upper(s.passes())), mark(s.what()))
	} else if words := s.advice(len(failing) > 0); words != "" {
		fmt.Fprintf(b, "\n%s\n", mark(words))
	}
	if s.Confluent != "" {
		fmt.Fprintf(b, "\nConfluent's registry is expected to say: %s.\n", s.Confluent)
	}
}

func markdownFinding(b io.Writer, f Finding) {
	fmt.Fprintf(b, "- %s %s: %s.\n", code(f.New.String()), f.Rule, mark(f.Problem))
	for fix, first := f.Fix, "Fix: "; fix != nil; fix, first = fix.Else, "Or " {
		fmt.Fprintf(b, "  %s%s.\n", first, mark(fix.Words))
		if fix.JSON != "" {
			fmt.Fprintf(b, "\n  ```json\n  %s\n  ```\n\n", fix.JSON)
		}
	}
	if f.Confluent != "" {
		fmt.Fprintf(b, "  %s.\n", mark(f.Confluent))
	}
	if f.Waived != nil {
		fmt.Fprintf(b, "  Waived until %s by %s: %s\n", f.Waived.Expires, mark(f.Waived.Owner), mark(f.Waived.Reason))
	}
}

// mark escapes what Markdown would take for its own.
func mark(s string) string {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "|", `\|`, "\n", " ").Replace(s)
}

func code(s string) string { return "`" + strings.ReplaceAll(clean(s), "`", "'") + "`" }
