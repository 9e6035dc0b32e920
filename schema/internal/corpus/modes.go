package corpus

import (
	"fmt"

	"github.com/troupe-go/troupe/schema"
)

type modesRow struct {
	History    []avsc `json:"history"`
	Candidate  avsc   `json:"candidate"`
	Mode       string `json:"mode"`
	Compatible *bool  `json:"compatible"`
}

func checkModes(o *Outcome, text []byte) {
	var row modesRow
	if !o.read(text, &row) {
		return
	}
	mode, err := schema.ParseMode(row.Mode)
	if err != nil {
		o.Unreadable = err
		return
	}
	if row.Compatible == nil {
		o.Skipped = "no verdict is expected"
	}
	compatible := row.compatible(o, mode)
	if row.Compatible != nil && *row.Compatible != compatible {
		o.wrong("%s: %s, expected compatible: %v", mode, o.Said, *row.Compatible)
	}
}

// compatible says whether the candidate may follow the history. A schema that is none may not.
func (row *modesRow) compatible(o *Outcome, mode schema.Mode) bool {
	var history []*schema.Schema
	for i, a := range row.History {
		s, err := o.parse(fmt.Sprint("version ", i), a)
		if err != nil {
			o.Said = "not compatible, " + err.Error()
			return false
		}
		history = append(history, s)
	}
	candidate, err := o.parse("candidate", row.Candidate)
	if err != nil {
		o.Said = "not compatible, " + err.Error()
		return false
	}
	breaks := mode.Check(candidate, history)
	if len(breaks) == 0 {
		o.Said = "compatible"
		return true
	}
	o.Said = "not compatible"
	for _, b := range breaks {
		if b.Version < 0 || b.Version >= len(history) || b.Mismatch == nil {
			o.wrong("a break of no version or without a reason: %+v", b)
			continue
		}
		o.Said += fmt.Sprintf("; version %d, the old one reads: %v, %v", b.Version, b.OldReads, b.Mismatch)
	}
	return false
}
