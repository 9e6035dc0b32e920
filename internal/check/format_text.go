package check

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
)

// textWriter prints a report for a terminal.
type textWriter struct {
	*bufio.Writer
	color bool
	begun bool               // something was printed of a subject
	blank bool               // the last one ended with an empty line
	told  map[toldKey]string // the subject that something was told of
}

func (t *textWriter) line(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = clean(s)
		}
	}
	fmt.Fprintf(t, format+"\n", args...)
}

// paint colours what is in front of a line.
func (t *textWriter) paint(code, s string) painted {
	if !t.color {
		return painted(s)
	}
	return painted("\x1b[" + code + "m" + s + "\x1b[0m")
}

// mostNew is how many new subjects are listed one by one.
const mostNew = 20

// longest is how much of a line of JSON is shown.
const longest = 240

// painted is a text that is not cleaned any more.
type painted string

func (r *Report) writeText(w io.Writer, style Style) error {
	t := &textWriter{Writer: bufio.NewWriter(w), color: style.Color, told: map[toldKey]string{}}
	if r.How != "" && r.Against != "" {
		t.line("Compared with %s: %s.\n", r.Against, r.How)
	}
	said := 0
	hidden := 0
	files, told := r.twins()
	for i, s := range r.Subjects {
		if told[i] {
			continue
		}
		if s.Status == New && len(s.Findings) == 0 && r.Summary.New > mostNew && !style.All {
			hidden++
			continue
		}
		if r.textSubject(t, s, files[i], style.All) {
			said++
		}
	}
	if hidden > 0 {
		t.line("%s %s: nothing to compare with (--all lists them)", t.paint(green, "+"), count(hidden, "new schema"))
		said, t.blank = said+1, false
	}
	for _, n := range r.Waivers {
		mark := t.paint(yellow, "!")
		if n.Fails {
			mark = t.paint(red, "✗")
		}
		t.line("%s %s:%d: %s", mark, n.File, n.Line, n.Message)
	}
	for _, n := range r.Notes {
		t.line("%s %s", r.noteMark(t, n), n.String())
	}
	if len(r.Waivers)+len(r.Notes) > 0 || said > 0 && !t.blank {
		t.line("")
	}
	code := green
	if r.Summary.Exit != 0 {
		code = red
	}
	t.line("%s", t.paint(bold+";"+code, clean(r.String())))
	if r.Summary.Breaking > 0 {
		t.line("troupe schema explain RULE says what a rule means.")
	}
	return t.Flush()
}

func (r *Report) noteMark(t *textWriter, n Note) painted {
	if r.weighNote(n) == fails {
		return t.paint(red, "✗")
	}
	return t.paint(yellow, "!")
}

// textSubject prints a subject if there is something to say about it. twins are the other files that it is in.
func (r *Report) textSubject(t *textWriter, s Subject, twins []string, all bool) bool {
	failing, waived, warnings := r.groups(s)
	if !t.blank && t.begun && len(failing)+len(waived)+len(warnings) > 0 {
		t.line("")
	}
	begun := t.begun
	t.begun = true
	switch {
	case len(failing) > 0:
		t.line("%s %s  %s", t.paint(red, "✗"), t.paint(bold, clean(s.Name)), s.where())
		if len(s.Compared)+len(s.Added) > 0 {
			t.line("  %s", s.compared())
		}
	case s.Status == New:
		t.line("%s %s  %s: %s", t.paint(green, "+"), t.paint(bold, clean(s.Name)), s.where(), s.Words)
	case s.Status == Deleted:
		t.line("%s %s  %s: %s", t.paint(yellow, "-"), t.paint(bold, clean(s.Name)), s.where(), s.Words)
	case s.Status == Unchecked:
		t.line("%s %s  %s: %s", t.paint(yellow, "?"), t.paint(bold, clean(s.Name)), s.where(), s.Words)
	case s.Status == Excused:
		t.line("%s %s  %s: breaking, but waived; %s", t.paint(yellow, "✓"), t.paint(bold, clean(s.Name)), s.where(), s.compared())
	case s.Changed:
		mark := t.paint(green, "✓")
		if s.isOrdered() {
			mark = t.paint(yellow, "▲")
		}
		t.line("%s %s  %s: %s; %s", mark, t.paint(bold, clean(s.Name)), s.where(), s.passes(), s.compared())
		t.line("  %s", s.what())
	case all || len(waived)+len(warnings) > 0:
		t.line("%s %s  %s: unchanged; %s", t.paint(green, "✓"), t.paint(bold, clean(s.Name)), s.where(), s.compared())
	default:
		t.begun = begun
		return false
	}
	if len(twins) > 0 {
		t.line("  %s", twinWords(twins))
	}
	t.groups(s.Name, failing, red)
	t.groups(s.Name, waived, faint)
	t.groups(s.Name, warnings, yellow)
	t.blank = len(failing)+len(waived)+len(warnings) > 0
	words := s.advice(failing)
	if t.blank && (words != "" || s.Confluent != "" && s.Changed) {
		t.line("")
	}
	if words != "" {
		t.line("  %s", words)
	}
	if s.Confluent != "" && s.Changed {
		t.line("  Confluent's registry is expected to say: %s.", s.Confluent)
	}
	if t.blank {
		t.line("")
	}
	return true
}

func (t *textWriter) groups(subject string, groups []group, code string) {
	for _, g := range groups {
		t.line("\n  %s", t.paint(code, clean(upper(g.who))+":"))
		for _, f := range g.findings {
			t.finding(subject, f)
		}
	}
}

func (t *textWriter) finding(subject string, f Finding) {
	t.line("\n    %s  %s", f.New.String(), t.paint(faint, string(f.Rule)))
	if f.Field != "" {
		t.line("      %s%s", f.Field, f.oldPlace())
	}
	k := toldKey{f.New, f.Rule, f.Kind, f.Who, f.Problem}
	if before, ok := t.told[k]; ok && before != subject {
		t.line("      As for %s above.", before)
		return
	}
	t.told[k] = subject
	for _, l := range f.details() {
		if len(l) > longest && strings.HasPrefix(l, "     ") {
			l = strings.ToValidUTF8(l[:longest], "") + " ..."
		}
		t.line("      %s", l)
	}
}

// toldKey is what makes two findings the same but for their subject: a type that several subjects share.
type toldKey struct {
	at           Place
	rule         schema.Rule
	kind         Kind
	who, problem string
}
