package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/troupe-go/troupe/schema/internal/corpus"
)

// report is what came out, file by file.
type report struct {
	Files         []*figures     `json:"files"`
	Disagreements []disagreement `json:"disagreements"`
	Unreadable    []string       `json:"unreadable"`

	verbose  bool
	text     io.Writer
	errors   io.Writer
	progress io.Writer
}

// figures are those of the rows of one kind in one file.
type figures struct {
	File      string         `json:"file"`
	Kind      corpus.Kind    `json:"kind"`
	Rows      int            `json:"rows"`
	Agree     int            `json:"agree"`
	Disagree  int            `json:"disagree"`
	Skipped   map[string]int `json:"skipped,omitempty"`        // by reason
	Data      int            `json:"data,omitempty"`           // compared byte for byte
	Unsettled int            `json:"data_unsettled,omitempty"` // read, but nothing says as what
}

type disagreement struct {
	File    string            `json:"file"`
	Line    int               `json:"line"`
	ID      string            `json:"id"`
	Wrong   []string          `json:"wrong"`
	Schemas map[string]string `json:"schemas,omitempty"`
}

// checked is a row of a file on its way through the checks.
type checked struct {
	row     corpus.Row
	err     error
	outcome chan corpus.Outcome
}

// file checks the rows of a file, several at once, and reports them in their order.
func (r *report) file(name string, stdin io.Reader) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			r.unreadable("%v", err)
			return
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			r.unreadable("%s is a directory: name the files in it", name)
			return
		}
		in = f
	}
	queue := make(chan checked, 4*runtime.GOMAXPROCS(0))
	go func() {
		defer close(queue)
		busy := make(chan struct{}, runtime.GOMAXPROCS(0))
		for row, err := range corpus.Rows(in) {
			c := checked{row, err, make(chan corpus.Outcome, 1)}
			queue <- c
			if err == nil {
				busy <- struct{}{}
				go func() {
					c.outcome <- corpus.Check(row)
					<-busy
				}()
			}
		}
	}()
	r.collect(name, queue)
}

const (
	firstProgress = 5 * time.Second
	everyProgress = 5 * time.Second
)

// collect takes the rows of a file in their order.
func (r *report) collect(name string, queue <-chan checked) {
	kinds := map[corpus.Kind]*figures{}
	rows, disagree, unreadable := 0, len(r.Disagreements), len(r.Unreadable)
	next := time.Now().Add(firstProgress)
	for c := range queue {
		if c.err != nil {
			r.unreadable("%s: %v", name, c.err)
			continue
		}
		f := kinds[c.row.Kind]
		if f == nil {
			f = &figures{File: name, Kind: c.row.Kind, Skipped: map[string]int{}}
			kinds[c.row.Kind] = f
			r.Files = append(r.Files, f)
		}
		r.row(f, c.row, <-c.outcome)
		if rows++; time.Now().After(next) {
			fmt.Fprintf(r.progress, "conform: %s: %d rows, %d disagree\n", name, rows, len(r.Disagreements)-disagree)
			next = time.Now().Add(everyProgress)
		}
	}
	if rows == 0 && len(r.Unreadable) == unreadable {
		r.unreadable("%s: there is no row in it", name)
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		r.figures(kinds[kind])
	}
}

func (r *report) row(f *figures, row corpus.Row, o corpus.Outcome) {
	at := fmt.Sprintf("%s:%d: %s", f.File, row.Line, row.ID)
	if o.Unreadable != nil {
		r.unreadable("%s: %v", at, o.Unreadable)
		return
	}
	f.Rows++
	f.Data += o.Data
	f.Unsettled += o.Unsettled
	switch {
	case len(o.Wrong) > 0:
		f.Disagree++
		d := disagreement{f.File, row.Line, row.ID, o.Wrong, map[string]string{}}
		for _, wrong := range o.Wrong {
			fmt.Fprintf(r.text, "%s: DISAGREES: %s\n", at, wrong)
		}
		for _, s := range o.Schemas {
			d.Schemas[s[0]] = s[1]
			fmt.Fprintf(r.text, "\t%-9s %s\n", s[0], s[1])
		}
		r.Disagreements = append(r.Disagreements, d)
	case o.Skipped != "":
		f.Skipped[o.Skipped]++
		if r.verbose {
			fmt.Fprintf(r.text, "%s: skipped (%s): %s\n", at, o.Skipped, o.Said)
		}
	default:
		f.Agree++
		if r.verbose {
			fmt.Fprintf(r.text, "%s: agrees: %s\n", at, o.Said)
		}
	}
}

// mostUnreadable is how many complaints are printed one by one.
const mostUnreadable = 20

func (r *report) unreadable(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	r.Unreadable = append(r.Unreadable, what)
	switch n := len(r.Unreadable); {
	case n <= mostUnreadable:
		fmt.Fprintln(r.errors, "conform:", what)
	case n == mostUnreadable+1:
		fmt.Fprintln(r.errors, "conform: more could not be read; -json names all")
	}
}

func (r *report) figures(f *figures) {
	fmt.Fprintf(r.text, "%s: %d %s rows: %d agree, %d disagree", f.File, f.Rows, f.Kind, f.Agree, f.Disagree)
	if f.Data+f.Unsettled > 0 {
		fmt.Fprintf(r.text, "; %d data equal byte for byte", f.Data)
	}
	fmt.Fprintln(r.text)
	for _, why := range slices.Sorted(maps.Keys(f.Skipped)) {
		fmt.Fprintf(r.text, "\t%d skipped: %s\n", f.Skipped[why], why)
	}
	if f.Unsettled > 0 {
		fmt.Fprintf(r.text, "\t%d data were read, but nothing says as what\n", f.Unsettled)
	}
}

// sum returns the rows that were judged.
func (r *report) sum() (agree, disagree, skipped int) {
	for _, f := range r.Files {
		agree += f.Agree
		disagree += f.Disagree
		for _, n := range f.Skipped {
			skipped += n
		}
	}
	return agree, disagree, skipped
}

func (r *report) total() {
	agree, disagree, skipped := r.sum()
	fmt.Fprintf(r.text, "total: %d agree, %d disagree, %d skipped", agree, disagree, skipped)
	if n := len(r.Unreadable); n > 0 {
		fmt.Fprintf(r.text, ", %d could not be read", n)
	}
	fmt.Fprintln(r.text)
	if agree+disagree == 0 {
		fmt.Fprintln(r.errors, "conform: nothing was checked")
	}
}

func (r *report) json(w io.Writer) error {
	agree, disagree, skipped := r.sum()
	r.Files = append([]*figures{}, r.Files...) // never null
	r.Disagreements = append([]disagreement{}, r.Disagreements...)
	r.Unreadable = append([]string{}, r.Unreadable...)
	all := struct {
		Agree    int `json:"agree"`
		Disagree int `json:"disagree"`
		Skipped  int `json:"skipped"`
		*report
	}{agree, disagree, skipped, r}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(all)
}

func (r *report) status() int {
	agree, disagree, _ := r.sum()
	switch {
	case disagree > 0:
		return disagreed
	case len(r.Unreadable) > 0 || agree == 0:
		return unchecked
	}
	return agreed
}
