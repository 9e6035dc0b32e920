package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/schema"
)

// lintOptions are the flags of schema lint.
type lintOptions struct {
	sourceOptions
	output           string
	configFile       string
	disable, pii     []string
	personalProperty string
}

func newSchemaLint() *cobra.Command {
	o := &lintOptions{}
	cmd := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Find what is legal in a schema and will hurt all the same",
		Long: `Find what is legal in a schema and will hurt all the same: names, missing docs and
defaults, logical types and attributes that Avro silently ignores, money and time in
types that can't hold them, personal data that is not marked.

PATH is a file or a directory with .avsc files, by default those that troupe.yaml
names, or else this directory. What troupe.yaml excludes, and the contracts of other
services, are left out unless PATH names them. Files may use types that other ones
define. troupe schema explain lists the rules.

Exit codes: 0 no errors (warnings are none), 1 findings of severity error, 2 a file could
not be linted, or there was none.`,
		Example: `  troupe schema lint
  troupe schema lint schemas/
  troupe schema lint orders.avsc --disable DOC_MISSING,FIELD_NAME
  troupe schema lint schemas/ --pii nickname,handle --pii-property confidential
  troupe schema lint schemas/ -o github`,
		Args: cobra.ArbitraryArgs,
		RunE: schemaCommand(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text, json or github")
	cmd.Flags().StringVar(&o.configFile, "config", "", "configuration (default: the nearest troupe.yaml, here or above)")
	cmd.Flags().StringSliceVar(&o.disable, "disable", nil, "rules to leave out")
	cmd.Flags().StringSliceVar(&o.pii, "pii", nil, "more words in field names that mean personal data")
	cmd.Flags().StringVar(&o.personalProperty, "pii-property", "pii", "property that marks a field as personal data, or as none")
	cmd.Flags().StringSliceVar(&o.references, "references", nil, "files with types that the schemas use, which are not linted")
	return cmd
}

func (o *lintOptions) run(cmd *cobra.Command, paths []string) error {
	o.in = cmd.InOrStdin()
	if err := oneOf("-o", o.output, "text", "json", "github"); err != nil {
		return err
	}
	config, err := o.config()
	if err != nil {
		return err
	}
	files, err := o.files(paths)
	if err != nil {
		return err
	}
	sources, failed, err := o.sources(files)
	if err != nil {
		return err
	}
	var all []schema.Finding
	for _, s := range sources {
		all = append(all, schema.Lint(s.schema, config)...)
	}
	all = sortedFindings(slices.DeleteFunc(all, func(f schema.Finding) bool { // within a type of another file
		return slices.Contains(files.others, f.Position.File) || slices.Contains(o.references, f.Position.File)
	}))
	if err := o.print(cmd.OutOrStdout(), all, failed); err != nil {
		return fmt.Errorf("print the findings: %w", err)
	}
	errors, warnings, infos := 0, 0, 0
	for _, f := range all {
		switch f.Severity {
		case schema.SeverityError:
			errors++
		case schema.SeverityWarning:
			warnings++
		default:
			infos++
		}
	}
	summary := fmt.Sprintf("%s: %s, %s, %s", counted(len(sources), "schema"), counted(errors, "error"), counted(warnings, "warning"), counted(infos, "info"))
	switch {
	case len(failed) == 1 && len(sources) == 0:
		return failed[0]
	case len(failed) == 1:
		return fmt.Errorf("%w (%s in the others)", failed[0], summary)
	case len(failed) > 1:
		for _, err := range failed {
			fmt.Fprintln(cmd.ErrOrStderr(), "troupe:", line(err))
		}
		return fmt.Errorf("%d files could not be linted; %s in the others", len(failed), summary)
	case errors > 0:
		return breaking("%s", summary)
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), summary)
	return err
}

func (o *lintOptions) config() (schema.LintConfig, error) {
	c := schema.LintConfig{PersonalProperty: o.personalProperty}
	for _, word := range o.pii {
		c.PersonalWords = append(c.PersonalWords, strings.ToLower(word))
	}
	for _, name := range o.disable {
		rule := schema.LintRule(strings.ToUpper(name))
		if !slices.Contains(schema.LintRules(), rule) {
			var known []string
			for _, r := range schema.LintRules() {
				known = append(known, string(r))
			}
			return c, usage("--disable: there is no lint rule %q%s; troupe schema explain lists them", name, meant(strings.ToUpper(name), known))
		}
		c.Disable = append(c.Disable, rule)
	}
	return c, nil
}

// meant says which name may be meant.
func meant(name string, names []string) string {
	return didYouMean("", nearest(name, names))
}

// sortedFindings puts findings in the order of their places, each once: a type that several files
// refer to is linted with each of them.
func sortedFindings(all []schema.Finding) []schema.Finding {
	slices.SortStableFunc(all, func(a, b schema.Finding) int {
		return cmp.Or(
			cmp.Compare(a.Position.File, b.Position.File), cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Problem, b.Problem))
	})
	return slices.CompactFunc(all, func(a, b schema.Finding) bool {
		return a.Position == b.Position && a.Rule == b.Rule && a.Problem == b.Problem
	})
}

// sources returns the schemas of files, and why files are none.
func (o *lintOptions) sources(files *lintFiles) (sources []*source, failed []error, err error) {
	set := &schemaSet{texts: map[string]string{}, parsed: map[string]*schema.Schema{}, under: map[string]bool{}}
	if set.references, err = o.referenced(); err != nil {
		return nil, nil, err
	}
	if files.stdin {
		s, err := o.stdin("-")
		if err != nil {
			return nil, nil, err
		}
		sources = append(sources, s)
	}
	for _, name := range files.names {
		text, err := readSchemaFile(name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		set.add(name, text)
	}
	set.keep()
	for _, name := range files.others {
		if text, err := readSchemaFile(name); err == nil { // otherwise it defines nothing
			set.add(name, text)
		}
	}
	for _, name := range files.names {
		if _, ok := set.texts[name]; !ok {
			continue
		}
		s, err := set.parse(name)
		if err != nil {
			failed = append(failed, explainParse(set.texts[name], err))
			continue
		}
		sources = append(sources, &source{name: name, schema: s})
	}
	return sources, failed, nil
}

func (o *lintOptions) print(w io.Writer, all []schema.Finding, failed []error) error {
	switch o.output {
	case "json":
		return printJSON(w, findingsJSON(all))
	case "github":
		return printText(w, githubText(all, failed))
	}
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s: %s %s: %s\n    %s\n", f.Position, f.Severity, f.Rule, printable(f.Problem, false), printable(f.Fix, false))
	}
	return printText(w, b.String())
}

type findingJSON struct {
	Rule     schema.LintRule `json:"rule"`
	Severity schema.Severity `json:"severity"`
	File     string          `json:"file"`
	Line     int             `json:"line"`
	Column   int             `json:"column"`
	Field    string          `json:"field"`
	Path     string          `json:"path"`
	Problem  string          `json:"problem"`
	Fix      string          `json:"fix"`
}

func findingsJSON(all []schema.Finding) []findingJSON {
	out := []findingJSON{}
	for _, f := range all {
		out = append(out, findingJSON{f.Rule, f.Severity, f.Position.File, f.Position.Line, f.Position.Column, f.Field, f.Path, f.Problem, f.Fix})
	}
	return out
}

// githubText is workflow commands of GitHub Actions, which annotate the lines of a pull request.
func githubText(all []schema.Finding, failed []error) string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	kinds := map[schema.Severity]string{schema.SeverityError: "error", schema.SeverityWarning: "warning", schema.SeverityInfo: "notice"}
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d,title=%s::%s; %s\n", kinds[f.Severity], property.Replace(filepath.ToSlash(f.Position.File)),
			f.Position.Line, f.Position.Column, f.Rule, data.Replace(f.Problem), data.Replace(f.Fix))
	}
	for _, err := range failed {
		at := ""
		var bad *schema.ParseError
		if errors.As(err, &bad) {
			at = fmt.Sprintf(" file=%s,line=%d,col=%d", property.Replace(filepath.ToSlash(bad.File)), bad.Line, bad.Column)
		}
		fmt.Fprintf(&b, "::error%s::%s\n", at, data.Replace(err.Error()))
	}
	return b.String()
}

// schemaSet is files that may use each other's types.
type schemaSet struct {
	references []*schema.Schema
	texts      map[string]string // by file
	uses       map[string][]string
	defines    map[string][]string // the files that define a full name
	kept       map[string]bool     // the names that no further file defines
	parsed     map[string]*schema.Schema
	under      map[string]bool // files that are being parsed
}

func (s *schemaSet) add(name, text string) {
	if s.uses == nil {
		s.uses, s.defines = map[string][]string{}, map[string][]string{}
	}
	s.texts[name] = text
	var v any
	if json.Unmarshal([]byte(schema.WithoutComments(text)), &v) != nil {
		return // parsing says where it is wrong
	}
	n := &typeNames{defined: map[string]bool{}}
	n.walk(v, "")
	for full := range n.defined {
		if s.kept[full] {
			continue
		}
		s.defines[full] = append(s.defines[full], name)
	}
	for _, used := range n.used {
		if !n.defined[used] {
			s.uses[name] = append(s.uses[name], used)
		}
	}
}

// keep makes what the files so far define theirs, whatever further ones say.
func (s *schemaSet) keep() {
	s.kept = map[string]bool{}
	for full := range s.defines {
		s.kept[full] = true
	}
}

// parse parses a file as it stands, or else with the files that define what it uses.
func (s *schemaSet) parse(name string) (*schema.Schema, error) {
	if known, ok := s.parsed[name]; ok {
		return known, nil
	}
	parsed, err := schema.ParseFile(name, s.texts[name], s.references...)
	if err != nil && len(s.uses[name]) > 0 && !s.under[name] {
		s.under[name] = true
		defer delete(s.under, name)
		refs := slices.Clone(s.references)
		files := map[string]bool{}
		for _, used := range s.uses[name] {
			definers := s.defines[used]
			if len(definers) != 1 || files[definers[0]] { // of several versions of a type, none is guessed
				continue
			}
			files[definers[0]] = true
			if ref, err := s.parse(definers[0]); err == nil {
				refs = append(refs, ref)
			}
		}
		parsed, err = schema.ParseFile(name, s.texts[name], refs...)
	}
	if err == nil {
		s.parsed[name] = parsed
	}
	return parsed, err
}

// typeNames are the full names of types that a schema's JSON defines, and those that it may use.
type typeNames struct {
	defined map[string]bool
	used    []string
}

func (n *typeNames) walk(v any, space string) {
	full := func(name string) string {
		if space == "" || strings.Contains(name, ".") {
			return name
		}
		return space + "." + name
	}
	switch v := v.(type) {
	case string:
		n.used = append(n.used, full(v))
		if full(v) != v {
			n.used = append(n.used, v)
		}
	case []any:
		for _, branch := range v {
			n.walk(branch, space)
		}
	case map[string]any:
		if own, ok := v["namespace"].(string); ok {
			space = own
		}
		if name, ok := v["name"].(string); ok {
			name = full(name)
			n.defined[name] = true
			space = ""
			if dot := strings.LastIndexByte(name, '.'); dot > 0 {
				space = name[:dot]
			}
		}
		for _, part := range []string{"items", "values"} {
			n.walk(v[part], space)
		}
		if t := v["type"]; t != nil {
			n.walk(t, space)
		}
		fields, _ := v["fields"].([]any)
		for _, f := range fields {
			if field, ok := f.(map[string]any); ok {
				n.walk(field["type"], space)
			}
		}
	}
}
