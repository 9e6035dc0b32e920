package check

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

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
	failing, waived, warnings := r.groups(s)
	switch {
	case len(failing) > 0:
		f := failing[0].findings[0]
		c.Failure = &junitMessage{fmt.Sprintf("%s: %s", f.says(), f.Problem), string(f.Rule), junitText(failing)}
	case s.Status == Unchecked:
		c.Skipped = &junitMessage{Message: s.Words}
	case s.Changed && len(waived) == 0:
		c.Out = strings.TrimSpace(fmt.Sprintf("%s; %s\n%s\n%s", upper(s.passes()), s.compared(), s.what(), junitText(warnings)))
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
