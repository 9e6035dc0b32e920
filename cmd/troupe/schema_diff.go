package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/schema"
)

// diffOptions are the flags of schema diff.
type diffOptions struct {
	sourceOptions
	output, mode string
}

func newSchemaDiff() *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Show what changed between two schemas, and whom that breaks",
		Long: `Show what changed from schema A to schema B: fields, types, defaults, symbols,
names, docs, each with its place, and whether consumers with the new schema can
read old events and those with the old schema new ones.

` + sourcesHelp + `

diff only tells: the exit code is 0 also for changes that break. With --mode it is
1 when B may not follow A in that mode. 2 means that a schema could not be read.`,
		Example: `  troupe schema diff orders.v1.avsc orders.v2.avsc
  troupe schema diff main:schemas/orders.avsc schemas/orders.avsc
  troupe schema diff orders-shop.OrderPlaced@3 orders-shop.OrderPlaced --registry http://localhost:8081
  troupe schema diff main:orders.avsc orders.avsc --mode FULL -o json`,
		Args: arguments(2, 2, "two schemas, the old one and the new one"),
		RunE: schemaCommand(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0], args[1]) }),
	}
	o.flags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	cmd.Flags().StringVar(&o.mode, "mode", "", "end with 1 unless B may follow A: BACKWARD, FORWARD or FULL")
	return cmd
}

func (o *diffOptions) run(cmd *cobra.Command, a, b string) error {
	defer o.close()
	o.in = cmd.InOrStdin()
	if err := oneOf("-o", o.output, "text", "json"); err != nil {
		return err
	}
	mode := schema.None
	if o.mode != "" {
		var err error
		if mode, err = schema.ParseMode(o.mode); err != nil {
			return usage("--mode: %w", err)
		}
	}
	old, err := o.load(cmd.Context(), a)
	if err != nil {
		return err
	}
	new, err := o.load(cmd.Context(), b)
	if err != nil {
		return err
	}
	c := schema.Compare(old.schema, new.schema)
	if o.output == "json" {
		err = printJSON(cmd.OutOrStdout(), diffJSONOf(c, old, new))
	} else {
		_, err = io.WriteString(cmd.OutOrStdout(), diffText(c, old, new))
	}
	if err != nil {
		return fmt.Errorf("print the changes: %w", err)
	}
	if len(mode.Check(new.schema, []*schema.Schema{old.schema})) > 0 {
		return breaking("%s may not follow %s in mode %s", new.name, old.name, mode)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	e := newJSON(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// diffText lays a comparison out for people.
func diffText(c *schema.Comparison, old, new *source) string {
	var b strings.Builder
	fmt.Fprintf(&b, "from %s\nto   %s\n\n", old.name, new.name)
	breaks := 0
	for i := range c.Changes {
		change := &c.Changes[i]
		if change.Breaking() {
			breaks++
		}
		fmt.Fprintf(&b, "%s %s\n", sign(change), printable(change.String(), false))
		fmt.Fprintf(&b, "    %s\n", places(change, old, new))
		for _, v := range change.Backward {
			fmt.Fprintf(&b, "    BREAKS new consumers reading old events: %s: %s\n", v.Rule, problem(v, "old", "new"))
		}
		for _, v := range change.Forward {
			fmt.Fprintf(&b, "    BREAKS old consumers reading new events: %s: %s\n", v.Rule, problem(v, "new", "old"))
		}
	}
	for _, v := range c.Backward {
		breaks++
		fmt.Fprintf(&b, "! %s\n    BREAKS new consumers reading old events: %s: %s\n", v.Field, v.Rule, problem(v, "old", "new"))
	}
	for _, v := range c.Forward {
		breaks++
		fmt.Fprintf(&b, "! %s\n    BREAKS old consumers reading new events: %s: %s\n", v.Field, v.Rule, problem(v, "new", "old"))
	}
	for _, w := range warnings(old.schema, new.schema) {
		fmt.Fprintf(&b, "? %s\n    %s: %s\n", w.Field, w.Rule, printable(w.Problem(), false))
	}
	switch {
	case len(c.Changes) == 0 && breaks == 0:
		b.WriteString("no changes\n")
	case breaks == 0 && renamed(old.schema, new.schema): // what that breaks is no rule of Avro's
		fmt.Fprintf(&b, "\n%s, no rule of Avro is broken\n", counted(len(c.Changes), "change"))
	case breaks == 0:
		fmt.Fprintf(&b, "\n%s, nothing breaks\n", counted(len(c.Changes), "change"))
	default:
		fmt.Fprintf(&b, "\n%s, %d breaking\n", counted(len(c.Changes), "change"), breaks)
	}
	for _, err := range []error{c.NewReadsOld, c.OldReadsNew} {
		var mismatch *schema.MismatchError
		if errors.As(err, &mismatch) && mismatch.Err != nil {
			fmt.Fprintf(&b, "%v\n", mismatch)
		}
	}
	fmt.Fprintf(&b, "%s: %s\n", verdictName(c), verdict(c))
	switch advice := deployOrder(c, old.schema, new.schema); {
	case advice == "":
	case c.Mode() == schema.None: // no order works
		fmt.Fprintf(&b, "%s\n", advice)
	default:
		fmt.Fprintf(&b, "deploy: %s\n", advice)
	}
	if breaks > 0 {
		b.WriteString("troupe schema explain RULE says what a rule means and how to fix it\n")
	}
	return b.String()
}

// problem is what is wrong, with the names that the two schemas have here.
func problem(v schema.Violation, writer, reader string) string {
	return printable(strings.NewReplacer("the writer", "the "+writer+" schema", "the reader", "the "+reader+" schema").Replace(v.Problem()), false)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// warnings are what deserves a look when either schema reads data of the other.
func warnings(old, new *schema.Schema) (all []schema.Violation) {
	for _, pair := range [][2]*schema.Schema{{old, new}, {new, old}} {
		plan, err := schema.Resolve(pair[0], pair[1])
		if err != nil {
			continue
		}
		for _, w := range plan.Warnings() {
			if !slices.ContainsFunc(all, func(v schema.Violation) bool { return v.Field == w.Field && v.Rule == w.Rule }) {
				all = append(all, w)
			}
		}
	}
	return all
}

func sign(c *schema.Change) string {
	switch c.Kind {
	case schema.AddedField, schema.AddedBranch, schema.AddedSymbols:
		return "+"
	case schema.RemovedField, schema.RemovedBranch, schema.RemovedSymbols:
		return "-"
	}
	return "~"
}

func places(c *schema.Change, old, new *source) string {
	switch {
	case c.Old.Type == "":
		return new.at(c.New.Position)
	case c.New.Type == "":
		return old.at(c.Old.Position)
	}
	return old.at(c.Old.Position) + " -> " + new.at(c.New.Position)
}

func verdictName(c *schema.Comparison) string {
	if c.Mode() == schema.None {
		return "INCOMPATIBLE"
	}
	return string(c.Mode())
}

func verdict(c *schema.Comparison) string {
	switch c.Mode() {
	case schema.Full:
		return "consumers with either schema read events of both"
	case schema.Backward:
		return "consumers with the new schema read old and new events; those with the old one cannot read new events"
	case schema.Forward:
		return "consumers with the old schema read old and new events; those with the new one cannot read old events"
	}
	return "consumers with the new schema cannot read old events, and those with the old one cannot read new events"
}

// nextName is what a changed event may be called.
func nextName(s *schema.Schema) string {
	name := s.FullName()
	return cmp.Or(name[strings.LastIndexByte(name, '.')+1:], "Event") + "2"
}

// renamed reports whether an event has another full name, by which consumers find its handler.
func renamed(old, next *schema.Schema) bool {
	return old.FullName() != next.FullName() && old.FullName() != "" && next.FullName() != ""
}

// deployOrder says what to deploy first, or what else to do where no order works.
func deployOrder(c *schema.Comparison, old, next *schema.Schema) string {
	was, is := old.FullName(), next.FullName()
	switch mode := c.Mode(); {
	case mode == schema.None:
		return "If you can't use the fix: publish the changed event under a new name (such as " + nextName(next) + "), write both until every consumer has moved, then stop the old one."
	case renamed(old, next) && mode == schema.Forward:
		return fmt.Sprintf("no order works: consumers that know only %s have no handler for %s and pass it over; write both until every consumer has moved, then stop the old one", was, is)
	case renamed(old, next):
		order := fmt.Sprintf("all consumers first, then the producers: those that know only %s have no handler for %s and pass it over", was, is)
		if !slices.Contains(next.Aliases(), was) {
			order = fmt.Sprintf("give %s \"aliases\": [%q], or its consumers have no handler for what is in the topic; then ", is, was) + order
		}
		return order
	case mode == schema.Backward:
		return "all consumers first, then the producers"
	case mode == schema.Forward:
		return "all producers first, then the consumers once no old event is left in the topics that they read"
	case len(c.Changes) == 0:
		return ""
	}
	return "in any order"
}

// diffJSON is what -o json prints.
type diffJSON struct {
	From        string          `json:"from"`
	To          string          `json:"to"`
	Mode        schema.Mode     `json:"mode"`
	NewReadsOld bool            `json:"newReadsOld"`
	OldReadsNew bool            `json:"oldReadsNew"`
	Verdict     string          `json:"verdict"`
	Deploy      string          `json:"deploy,omitempty"`
	Changes     []changeJSON    `json:"changes"`
	Backward    []violationJSON `json:"backward,omitempty"`
	Forward     []violationJSON `json:"forward,omitempty"`
	Warnings    []violationJSON `json:"warnings,omitempty"`
}

type changeJSON struct {
	Kind     schema.ChangeKind `json:"kind"`
	Field    string            `json:"field"`
	OldPath  string            `json:"oldPath"`
	NewPath  string            `json:"newPath"`
	Old      *sideJSON         `json:"old,omitempty"`
	New      *sideJSON         `json:"new,omitempty"`
	Detail   string            `json:"detail,omitempty"`
	Backward []violationJSON   `json:"backward,omitempty"`
	Forward  []violationJSON   `json:"forward,omitempty"`
}

type sideJSON struct {
	Type string `json:"type,omitempty"`
	At   string `json:"at"`
}

type violationJSON struct {
	Rule    schema.Rule `json:"rule"`
	Path    string      `json:"path"`
	Field   string      `json:"field"`
	Problem string      `json:"problem"`
	Writer  sideJSON    `json:"writer"`
	Reader  sideJSON    `json:"reader"`
	Missing []string    `json:"missing,omitempty"`
}

func violationsJSON(all []schema.Violation, writer, reader *source) []violationJSON {
	var out []violationJSON
	for _, v := range all {
		out = append(out, violationJSON{
			Rule: v.Rule, Path: v.Path, Field: v.Field, Problem: v.Problem(), Missing: v.Missing,
			Writer: sideJSON{v.Writer.Type, writer.at(v.Writer.Position)},
			Reader: sideJSON{v.Reader.Type, reader.at(v.Reader.Position)},
		})
	}
	return out
}

func diffJSONOf(c *schema.Comparison, old, new *source) diffJSON {
	d := diffJSON{
		From: old.name, To: new.name, Mode: c.Mode(), NewReadsOld: c.NewReadsOld == nil, OldReadsNew: c.OldReadsNew == nil,
		Verdict: verdict(c), Deploy: deployOrder(c, old.schema, new.schema), Changes: []changeJSON{},
		Backward: violationsJSON(c.Backward, old, new), Forward: violationsJSON(c.Forward, new, old),
		Warnings: violationsJSON(warnings(old.schema, new.schema), old, new),
	}
	for i := range c.Changes {
		change := &c.Changes[i]
		j := changeJSON{
			Kind: change.Kind, Field: change.Field, OldPath: change.OldPath, NewPath: change.NewPath, Detail: change.Detail,
			Backward: violationsJSON(change.Backward, old, new), Forward: violationsJSON(change.Forward, new, old),
		}
		if change.Old.Type != "" {
			j.Old = &sideJSON{change.Old.Type, old.at(change.Old.Position)}
		}
		if change.New.Type != "" {
			j.New = &sideJSON{change.New.Type, new.at(change.New.Position)}
		}
		d.Changes = append(d.Changes, j)
	}
	return d
}
