package check

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// gitHubLevels are GitHub's words.
var gitHubLevels = map[weight]string{fails: "error", toLook: "warning", excused: "notice", said: "notice"}

// writeGitHub prints workflow commands, which GitHub shows beside the lines of a change.
func (r *Report) writeGitHub(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			text := []string{upper(f.says()) + "."}
			r.annotate(b, gitHubLevels[r.weigh(f)], f.New, fmt.Sprintf("%s: %s", f.Rule, s.Name), strings.Join(append(text, f.details()...), "\n"))
		}
		if s.Status == New {
			r.annotate(b, "notice", Place{File: s.File, Line: 1}, s.Name, s.Words)
		}
		if s.Changed && s.Status == Compatible {
			r.annotate(b, "notice", Place{File: s.File, Line: 1}, s.Name, upper(s.passes())+". "+s.what())
		}
	}
	for _, n := range r.Waivers {
		r.annotate(b, gitHubLevels[n.weight()], Place{File: n.File, Line: n.Line}, "Waiver", n.Message)
	}
	for _, p := range r.Problems {
		r.annotate(b, "error", Place{File: p.File, Line: p.Line, Column: p.Column}, "Could not be checked", p.Message)
	}
	for _, n := range r.Notes {
		r.annotate(b, gitHubLevels[r.weighNote(n)], Place{File: n.File, Line: n.Line}, "Note", n.Message)
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
	if at.EndLine > 0 {
		where = append(where, fmt.Sprintf("endLine=%d", at.EndLine))
	}
	if at.EndLine <= at.Line { // GitHub takes no columns with several lines
		start, end := r.columns(at)
		if start > 0 {
			where = append(where, fmt.Sprintf("col=%d", start))
		}
		if end > 0 {
			where = append(where, fmt.Sprintf("endColumn=%d", end))
		}
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
