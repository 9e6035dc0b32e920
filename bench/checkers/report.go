package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// report is what a run found out.
type report struct {
	Changes   int         `json:"changes"`
	Verdicts  int         `json:"verdicts"` // on changes with two valid schemas, both ways
	Hard      int         `json:"hard"`     // of them, on changes that were picked because checkers stumble there
	Checkers  []score     `json:"checkers"`
	LeftOut   []leftOut   `json:"left_out"`
	Questions []judged    `json:"questions"`
	Buf       []bufAnswer `json:"buf,omitempty"`
	Times     []timing    `json:"times,omitempty"`
}

// score is how often a checker was right.
type score struct {
	Checker   string `json:"checker"`
	Version   string `json:"version"`
	Right     int    `json:"right"`
	Wrong     int    `json:"wrong"`
	NoVerdict int    `json:"no_verdict"` // it threw, or refused valid schemas
	RightHard int    `json:"right_hard"`
	Five      int    `json:"five"` // how many of five breaks at once it names
}

type leftOut struct {
	Checker string `json:"checker"`
	Why     string `json:"why"`
}

// judged is a question with all answers, in the order of the checkers.
type judged struct {
	Counts    bool      `json:"counts"`
	Change    string    `json:"change"`
	What      string    `json:"what"`
	Direction direction `json:"direction"`
	Right     verdict   `json:"right"`
	Because   string    `json:"because"`
	Answers   []said    `json:"answers"`
}

// apart says if a checker is not right.
func (j judged) apart() bool {
	return slices.ContainsFunc(j.Answers, func(s said) bool { return s.Verdict != j.Right })
}

type said struct {
	Checker string `json:"checker"`
	answer
}

// summarize counts. answers has a row for each checker.
func summarize(changes []change, qs []question, checkers []checker, answers [][]answer) report {
	r := report{Changes: len(changes)}
	for _, c := range checkers {
		r.Checkers = append(r.Checkers, score{Checker: c.title(), Version: c.version()})
	}
	for i, q := range qs {
		j := judged{q.counts(), q.change.Name, q.change.What, q.direction, q.right.Verdict, q.right.Because, nil}
		for k, c := range checkers {
			a := answers[k][i]
			j.Answers = append(j.Answers, said{c.title(), a})
			if q.counts() {
				r.Checkers[k].add(q, a)
			}
		}
		r.Questions = append(r.Questions, j)
		if q.counts() {
			r.Verdicts++
			if q.change.Hard {
				r.Hard++
			}
		}
	}
	return r
}

func (s *score) add(q question, a answer) {
	switch a.Verdict {
	case q.right.Verdict:
		s.Right++
		if q.change.Hard {
			s.RightHard++
		}
	case works, breaks:
		s.Wrong++
	default:
		s.NoVerdict++
	}
	if q.change.Name == "five_breaks" && q.direction == newReadsOld {
		s.Five = len(a.Said)
	}
}

func (r report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// text writes Markdown that is also fit to be read as it is.
func (r report) text(w io.Writer) error {
	p := &printer{to: w}
	p.line("%d changes, %d verdicts on those with two valid schemas, %d of these on changes picked because checkers stumble there.", r.Changes, r.Verdicts, r.Hard)
	p.line("")
	rows := [][]string{{"checker", "version", fmt.Sprintf("right, of %d", r.Verdicts), "wrong", "no verdict", fmt.Sprintf("right, of the %d not picked", r.Verdicts-r.Hard), "named of five breaks"}}
	for _, s := range r.Checkers {
		rows = append(rows, row(s.Checker, s.Version, s.Right, s.Wrong, s.NoVerdict, s.Right-s.RightHard, s.Five))
	}
	p.table(rows)
	for _, l := range r.LeftOut {
		p.line("Left out: %s: %s", l.Checker, l.Why)
	}
	var apart, uncounted []judged
	for _, j := range r.Questions {
		switch {
		case !j.Counts:
			uncounted = append(uncounted, j)
		case j.apart():
			apart = append(apart, j)
		}
	}
	p.heading("Where a checker is not right")
	r.judged(p, apart)
	p.heading("Not counted")
	r.judged(p, uncounted)
	r.buf(p)
	r.times(p)
	return p.err
}

// judged lists questions: the verdicts, the reasons for the right ones, and what was said.
func (r report) judged(p *printer, js []judged) {
	if len(js) == 0 {
		p.line("None.")
		return
	}
	decoder := slices.ContainsFunc(js, func(j judged) bool {
		return slices.ContainsFunc(j.Answers, func(s said) bool { return s.Decoded != nil })
	})
	rows := [][]string{{"change", "question", "right"}}
	for _, s := range r.Checkers {
		rows[0] = append(rows[0], s.Checker)
	}
	if decoder {
		rows[0] = append(rows[0], "Avro Java's decoder reads")
	}
	for _, j := range js {
		cells := row(j.Change, j.Direction, j.Right)
		reads := "-"
		for _, a := range j.Answers {
			cell := dash(string(a.Verdict))
			if a.Verdict != unasked && a.Verdict != j.Right {
				cell = "**" + cell + "**"
			}
			cells = append(cells, cell)
			if a.Decoded != nil {
				reads = fmt.Sprintf("%d of %d", a.Decoded.Read, a.Decoded.Of)
			}
		}
		if decoder {
			cells = append(cells, reads)
		}
		rows = append(rows, cells)
	}
	p.table(rows)
	for _, j := range js {
		p.line("")
		p.line("%s (%s), %s: %s.", j.Change, j.What, j.Direction, j.Because)
		for _, a := range j.Answers {
			for _, reason := range a.Said {
				p.line("- %s: %.240s", a.Checker, reason)
			}
			if a.Decoded != nil && a.Decoded.Error != "" {
				p.line("- %s's decoder: %.240s", a.Checker, a.Decoded.Error)
			}
		}
	}
}

func (r report) buf(p *printer) {
	if r.Buf == nil {
		return
	}
	p.heading(fmt.Sprintf("buf, on the %d changes that exist in Protobuf", len(r.Buf)))
	p.line("Its rules are others than Avro's: fields have numbers, and there is no direction.")
	p.line("")
	rows := [][]string{append(append([]string{"change"}, bufCategories...), "named with FILE", "Avro: new reads old", "old reads new")}
	for _, a := range r.Buf {
		cells := []string{a.Change}
		for _, category := range bufCategories {
			cells = append(cells, string(a.Verdicts[category]))
		}
		rows = append(rows, append(cells, fmt.Sprint(len(a.Said)), dash(string(a.NewReadsOld)), dash(string(a.OldReadsNew))))
	}
	p.table(rows)
}

func (r report) times(p *printer) {
	if len(r.Times) == 0 {
		return
	}
	p.heading(fmt.Sprintf("Milliseconds: medians of %d rounds; the least and the most; of processors", r.Times[0].Rounds))
	var tools, works []string
	cells := map[[2]string]string{}
	for _, t := range r.Times {
		if !slices.Contains(tools, t.Tool) {
			tools = append(tools, t.Tool)
		}
		if !slices.Contains(works, t.Work) {
			works = append(works, t.Work)
		}
		cell := fmt.Sprintf("%s (%s-%s)", ms(t.Median), ms(t.Least), ms(t.Most))
		if t.CPU > 0 {
			cell += " CPU " + ms(t.CPU)
		}
		cells[[2]string{t.Tool, t.Work}] = cell
	}
	rows := [][]string{append([]string{""}, works...)}
	for _, tool := range tools {
		row := []string{tool}
		for _, work := range works {
			row = append(row, cells[[2]string{tool, work}])
		}
		rows = append(rows, row)
	}
	p.table(rows)
	p.line("")
	p.line("New reads old. Each is a process from its start to its end, Java's with its JVM; a registry runs already and is asked once for each schema.")
	p.line("schema check and buf read files and report; the others have the schemas on standard input. hamba stops at the first break.")
}

func ms(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
