package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// report is what happened, counted from what the services did. The figures are
// of this run, but for those of an earlier one's leftovers that its consumers
// found on real services.
type report struct {
	Orders             int             `json:"orders"`
	MalformedLines     int             `json:"malformed_lines"`
	PublishedTwice     int             `json:"published_twice"`
	Published          int64           `json:"published"`
	Handled            int64           `json:"handled"`
	DuplicatesAbsorbed int64           `json:"duplicates_absorbed"`
	Retried            int64           `json:"retried"`
	DeadLettered       int64           `json:"dead_lettered"`
	EffectsTwice       int             `json:"effects_twice"`
	Lost               int             `json:"lost"`
	Pending            int             `json:"pending"` // not handled when it was interrupted
	Seconds            float64         `json:"seconds"`
	Interrupted        bool            `json:"interrupted"`
	Services           []serviceReport `json:"services"`

	embedded bool
}

type serviceReport struct {
	Name               string `json:"name"`
	Published          int64  `json:"published"`
	Handled            int64  `json:"handled"`
	DuplicatesAbsorbed int64  `json:"duplicates_absorbed"`
	Retried            int64  `json:"retried"`
	DeadLettered       int64  `json:"dead_lettered"`
	EffectsTwice       int    `json:"effects_twice"`
	Lost               int    `json:"lost"`
	Pending            int    `json:"pending"`
}

func (c *company) report(malformed int, took time.Duration, interrupted bool) *report {
	r := &report{Orders: c.books.flows(), PublishedTwice: c.repeated, MalformedLines: malformed, Seconds: took.Seconds(), Interrupted: interrupted}
	r.embedded, _, _ = c.Embedded()
	for _, m := range c.members {
		st := m.consumer.Stats()
		had, expected := c.account(m)
		_, twice := c.books.count(m.name)
		s := serviceReport{
			Name:               m.name,
			Handled:            st.Handled,
			DuplicatesAbsorbed: st.Duplicates + st.Parked,
			Retried:            st.Retries,
			DeadLettered:       m.parked.Load(),
			EffectsTwice:       twice,
		}
		if missing := max(expected-had, 0); interrupted {
			s.Pending = missing
		} else {
			s.Lost = missing
		}
		if m.producer != nil {
			s.Published = m.producer.Stats().Acknowledged
		}
		r.Services = append(r.Services, s)
		r.Published += s.Published
		r.Handled += s.Handled
		r.DuplicatesAbsorbed += s.DuplicatesAbsorbed
		r.Retried += s.Retried
		r.DeadLettered += s.DeadLettered
		r.EffectsTwice += s.EffectsTwice
		r.Lost += s.Lost
		r.Pending += s.Pending
	}
	return r
}

func (r *report) print(w io.Writer) {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options.SeparateColumns = false
	t.Style().Options.DrawBorder = false
	last, missing := "events lost", func(lost, _ int) int { return lost }
	state := "done"
	if r.Interrupted {
		last, missing = "not handled yet", func(_, pending int) int { return pending }
		state = "interrupted, and drained"
	}
	t.AppendHeader(table.Row{"service", "published", "handled", "duplicates absorbed", "retried", "dead-lettered", "effects run twice", last})
	var right []table.ColumnConfig
	for n := 2; n <= 8; n++ {
		right = append(right, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	for _, s := range r.Services {
		t.AppendRow(table.Row{s.Name, s.Published, s.Handled, s.DuplicatesAbsorbed, s.Retried, s.DeadLettered, s.EffectsTwice, missing(s.Lost, s.Pending)})
	}
	t.AppendFooter(table.Row{"all", r.Published, r.Handled, r.DuplicatesAbsorbed, r.Retried, r.DeadLettered, r.EffectsTwice, missing(r.Lost, r.Pending)})
	fmt.Fprintf(w, "%s: %d order(s) in %.1f s, %d of them published twice; %d malformed line(s) skipped\n\n", state, r.Orders, r.Seconds, r.PublishedTwice, r.MalformedLines)
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	fmt.Fprintln(w)
	fmt.Fprint(w, r.next())
}

// next says what to try next: lines that can be pasted into a shell in the repository.
func (r *report) next() string {
	if r.embedded {
		return `Try next:
  go run ./cmd/troupe dev                      keep Kafka, Redis and a registry running; set the variables that it prints, then
  go run ./examples/quickstart                 play on those, and
  go run ./cmd/troupe dlq ls --group payments  see the dead letters
` + change
	}
	return `Try next:
  go run ./cmd/troupe dlq ls --group payments  see the dead letters
  go run ./cmd/troupe dlq show ID              one of them, with its cause
  go run ./examples/quickstart -json           the figures for a program
` + change
}

const change = `Or see who breaks when an event changes:
  go run ./cmd/troupe schema check examples/evolution/v3 --against examples/evolution/v2
`
