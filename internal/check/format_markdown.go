package check

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// writeMarkdown prints a report for a comment on a change.
func (r *Report) writeMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "### Schemas: %s\n", mark(r.String()))
	if r.How != "" {
		fmt.Fprintf(b, "\nCompared with %s: %s.\n", mark(r.Against), mark(r.How))
	}
	files, told := r.twins()
	for i, s := range r.Subjects {
		if told[i] {
			continue
		}
		r.markdownSubject(b, s)
		if len(files[i]) > 0 {
			fmt.Fprintf(b, "\n%s\n", mark(twinWords(files[i])))
		}
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
			sign := ""
			if s.isOrdered() {
				sign = "▲ "
			}
			fmt.Fprintf(b, "\n- %s**%s** (%s): %s. %s\n", sign, mark(s.Name), code(s.File), mark(s.passes()), mark(s.what()))
		}
		return
	}
	fmt.Fprintf(b, "\n#### %s (%s)\n", mark(s.Name), code(s.File))
	if len(s.Compared)+len(s.Added) > 0 {
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
	} else if words := s.advice(failing); words != "" {
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
