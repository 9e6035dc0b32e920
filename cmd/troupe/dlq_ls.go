package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/dlq"
)

// lsOptions are the flags of dlq ls.
type lsOptions struct {
	*dlqOptions
	group, topic, since, output string
	limit                       int
}

func newDLQLs(shared *dlqOptions) *cobra.Command {
	o := &lsOptions{dlqOptions: shared}
	cmd := &cobra.Command{
		Use:        "ls",
		SuggestFor: []string{"list"},
		Short:      "List dead letters, the latest failure first",
		Long: `List dead letters, the latest failure first.

Every letter topic is read from its beginning to its present end. An event that
was dead-lettered several times is one letter. The last line on stderr says how
much was read: "complete", or "INCOMPLETE" and why (exit code 3).

CLASS says what kind of failure it was:

  handler, permanent, panic   the handler failed in every attempt, said that trying
                              again can't help, or panicked
  schema, unknown-schema      what was written can't be read as the handler's type,
                              or the registry does not know what it was written with
  decode, truncated, unknown-magic-byte, null-value, bad-guid
                              the bytes are not what they should be
  id-reused                   another event had this id
  hop-limit                   the flow has passed too many handlers, as in a circle

On a terminal the table is cut to its width: messages and types are shortened,
columns left out. -o wide shows all of it, as does a pipe.`,
		Example: `  troupe dlq ls
  troupe dlq ls --group payments --topic orders --since 2d
  troupe dlq ls -o jsonl --limit 0 | jq -r .message`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	cmd.Flags().StringVarP(&o.group, "group", "g", "", "letters of this consumer group (default all)")
	cmd.Flags().StringVar(&o.topic, "topic", "", "letters of events read from this topic")
	cmd.Flags().StringVar(&o.since, "since", "", "letters that failed within this time, such as 90m, 6h or 2d")
	cmd.Flags().IntVarP(&o.limit, "limit", "n", 100, "show at most so many; 0 shows all")
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "table (as wide as the terminal), wide, json, jsonl or name (ids only)")
	return cmd
}

func (o *lsOptions) run(cmd *cobra.Command) error {
	if !slices.Contains([]string{"table", "wide", "json", "jsonl", "name"}, o.output) {
		return usage("-o %q is none of table, wide, json, jsonl, name", o.output)
	}
	if o.limit < 0 {
		return usage("--limit %d is negative", o.limit)
	}
	query := dlq.Query{Group: o.group, Topic: o.topic}
	if o.since != "" {
		d, err := parseAge(o.since)
		if err != nil {
			return usage("--since %q is not a time span such as 90m, 6h or 2d", o.since)
		}
		query.Since = o.now().Add(-d)
	}
	settings, err := o.settings(needed(false))
	if err != nil {
		return err
	}
	reader, err := o.reader(settings)
	if err != nil {
		return err
	}
	defer reader.Close()

	ctx := cmd.Context()
	listing := reader.List(ctx, query)
	newest := newest{limit: o.limit, letters: []letterSummary{}}
	var failed error
	for l, err := range listing.All() {
		if err != nil {
			failed = err
			break
		}
		newest.add(summarize(&l))
	}
	var incomplete *dlq.IncompleteError
	if failed != nil && !errors.As(failed, &incomplete) {
		return explain(ctx, reader, o.group, failed)
	}
	letters := newest.sorted()
	if err := o.print(cmd.OutOrStdout(), letters); err != nil {
		return fmt.Errorf("print the letters: %w", err)
	}
	o.footer(cmd.ErrOrStderr(), listing, len(letters), newest.seen, failed)
	if failed != nil {
		return explain(ctx, reader, o.group, failed)
	}
	return nil
}

// footer says on stderr how much was read and shown.
func (o *lsOptions) footer(w io.Writer, l *dlq.Listing, shown, matched int, failed error) {
	switch {
	case shown < matched:
		fmt.Fprintf(w, "%s of %s letters shown; --limit 0 shows all\n", thousands(int64(shown)), thousands(int64(matched)))
	case matched == 0:
		fmt.Fprintln(w, "no letters")
	case matched == 1:
		fmt.Fprintln(w, "1 letter")
	default:
		fmt.Fprintf(w, "%s letters\n", thousands(int64(matched)))
	}
	n, of := l.Scanned()
	verdict := "(complete)"
	if failed != nil {
		verdict = "INCOMPLETE: " + errors.Unwrap(failed).Error()
	}
	fmt.Fprintf(w, "scanned %s/%s %s\n", thousands(n), thousands(of), verdict)
}

func (o *lsOptions) print(w io.Writer, letters []letterSummary) error {
	switch o.output {
	case "name":
		for _, l := range letters {
			if _, err := fmt.Fprintln(w, l.ID); err != nil {
				return err
			}
		}
		return nil
	case "jsonl":
		e := newJSON(w)
		for _, l := range letters {
			if err := e.Encode(l); err != nil {
				return err
			}
		}
		return nil
	case "json":
		e := newJSON(w)
		e.SetIndent("", "  ")
		return e.Encode(letters)
	}
	if len(letters) == 0 {
		return nil
	}
	width := 0
	if o.output == "table" {
		width = o.width(w)
	}
	renderLetters(w, letters, o.now(), width)
	return nil
}

// newest keeps the letters that failed last.
type newest struct {
	limit   int // 0: all
	letters []letterSummary
	seen    int
}

func (n *newest) add(l letterSummary) {
	n.seen++
	n.letters = append(n.letters, l)
	if n.limit > 0 && len(n.letters) >= 2*n.limit+100 {
		n.sorted()
	}
}

// sorted returns the letters, the latest failure first.
func (n *newest) sorted() []letterSummary {
	slices.SortStableFunc(n.letters, func(a, b letterSummary) int { return b.FailedAt.Compare(a.FailedAt) })
	if n.limit > 0 && len(n.letters) > n.limit {
		clear(n.letters[n.limit:])
		n.letters = n.letters[:n.limit]
	}
	return n.letters
}

// parseAge reads a Go duration, or a number of days as in 2d.
func parseAge(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || n <= 0 || n > 36500 {
			return 0, errors.New("not a number of days")
		}
		return time.Duration(n * float64(24*time.Hour)), nil
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = errors.New("not positive")
	}
	return d, err
}

func newJSON(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}
