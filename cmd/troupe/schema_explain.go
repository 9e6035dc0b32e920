package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// explanation is what a rule means, for people who don't know Avro.
type explanation struct {
	rule  string
	short string // in a line
	// kind is "breaking", "warning" or of a lint rule "lint error", "lint warning" or "lint info".
	kind string
	// meaning, who breaks, how to fix it and what to deploy first.
	meaning, who, fix, deploy string
	// old and new are the schemas that writer and reader have when it happens; a lint rule has only old.
	old, new string
	// fixed is what new should be: it reads what old wrote. Of a lint rule, what old should be.
	fixed string
}

// explanations are all rules, those of resolution first, those of lint last.
func explanations() []explanation {
	return slices.Concat(resolutionRules(), checkRules(), lintRules())
}

func newSchemaExplain() *cobra.Command {
	output := ""
	cmd := &cobra.Command{
		Use:   "explain [RULE]",
		Short: "Say what a rule means, who breaks, and how to fix it",
		Long: `Say what a rule means that troupe schema check, diff, resolve, register or lint has named, who
breaks, how to fix it and what to deploy first, with an example. Without RULE, list all rules.`,
		Example: `  troupe schema explain
  troupe schema explain READER_FIELD_MISSING_DEFAULT_VALUE
  troupe schema explain missing_union_branch`,
		Args: arguments(0, 1, "at most one rule"),
		RunE: schemaCommand(func(cmd *cobra.Command, args []string) error {
			if err := oneOf("-o", output, "text", "json"); err != nil {
				return err
			}
			if len(args) == 0 {
				return listRules(cmd, output)
			}
			return explainRule(cmd, args[0], output)
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return cmd
}

// explanationJSON is what schema explain -o json prints.
type explanationJSON struct {
	Rule    string `json:"rule"`
	Kind    string `json:"kind"`
	Short   string `json:"short"`
	Meaning string `json:"meaning"`
	Who     string `json:"who"`
	Fix     string `json:"fix"`
	Deploy  string `json:"deploy,omitempty"`
	Old     string `json:"old"`
	New     string `json:"new,omitempty"`
	Fixed   string `json:"fixed"`
}

func (e *explanation) json() explanationJSON {
	return explanationJSON{e.rule, e.kind, e.short, e.meaning, e.who, e.fix, e.deploy, e.old, e.new, e.fixed}
}

func listRules(cmd *cobra.Command, output string) error {
	all := explanations()
	if output == "json" {
		var out []explanationJSON
		for _, e := range all {
			out = append(out, e.json())
		}
		return printJSON(cmd.OutOrStdout(), out)
	}
	var b strings.Builder
	for _, e := range all {
		fmt.Fprintf(&b, "%s (%s)\n%s\n", e.rule, e.kind, wrapped(e.short, "    ", lineWidth))
	}
	return printText(cmd.OutOrStdout(), b.String())
}

func explainRule(cmd *cobra.Command, name, output string) error {
	wanted := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	var names []string
	for _, e := range explanations() {
		if e.rule == wanted {
			if output == "json" {
				return printJSON(cmd.OutOrStdout(), e.json())
			}
			return printText(cmd.OutOrStdout(), e.text())
		}
		names = append(names, e.rule)
	}
	near := nearest(wanted, names)
	for _, rule := range names {
		if strings.Contains(rule, wanted) && !slices.Contains(near, rule) {
			near = append(near, rule)
		}
	}
	return usage("there is no rule %q%s; troupe schema explain lists them all", name, didYouMean("", near[:min(len(near), 3)]))
}

func (e *explanation) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n%s\n\n", e.rule, e.kind, wrapped(e.short, "", lineWidth))
	paragraph := func(title, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s\n%s\n\n", title, wrapped(text, "  ", lineWidth))
		}
	}
	paragraph("What it means", e.meaning)
	paragraph("Who breaks", e.who)
	if e.new != "" {
		fmt.Fprintf(&b, "Example\n  events were written with\n%s\n  and are read with\n%s\n\n", block(e.old), block(e.new))
		paragraph("How to fix it", e.fix)
		fmt.Fprintf(&b, "  this reads them:\n%s\n\n", block(e.fixed))
	} else {
		fmt.Fprintf(&b, "Example\n%s\n\n", block(e.old))
		paragraph("How to fix it", e.fix)
		fmt.Fprintf(&b, "  better:\n%s\n\n", block(e.fixed))
	}
	paragraph("What to deploy first", e.deploy)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// lineWidth is how long lines of words are at most, examples may be longer.
const lineWidth = 80

func block(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}

// wrapped breaks text into lines of at most width characters, each with an indent.
func wrapped(text, indent string, width int) string {
	var lines []string
	line := indent
	for word := range strings.FieldsSeq(text) {
		if line != indent && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}
