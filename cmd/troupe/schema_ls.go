package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe/schema"
)

// schemaLsOptions are the flags of schema ls.
type schemaLsOptions struct {
	sourceOptions
	output, subjects string
}

func newSchemaLs() *cobra.Command {
	o := &schemaLsOptions{}
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the subjects of the registry",
		Long: `List the subjects of the registry: their versions, the id and the type of the latest one, and
the compatibility level that is in force.

On a terminal the table is cut to its width; a pipe has all of it.`,
		Example: `  troupe schema ls
  troupe schema ls --subjects 'orders-*'
  troupe schema ls -o name | xargs -n1 troupe schema get`,
		Args: noArguments,
		RunE: schemaCommand(func(cmd *cobra.Command, _ []string) error { return o.run(cmd) }),
	}
	o.registryFlags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "table, json or name")
	cmd.Flags().StringVar(&o.subjects, "subjects", "*", "only the subjects that match; * stands for any letters, ? for one")
	return cmd
}

// subjectSummary is one line of schema ls.
type subjectSummary struct {
	Subject  string      `json:"subject"`
	Versions []int       `json:"versions"`
	ID       int         `json:"id,omitempty"`
	Name     string      `json:"name,omitempty"`
	Level    schema.Mode `json:"level"`
	// Problem says why the latest version is no Avro schema.
	Problem string `json:"problem,omitempty"`
}

func (o *schemaLsOptions) run(cmd *cobra.Command) error {
	defer o.close()
	if err := oneOf("-o", o.output, "table", "json", "name"); err != nil {
		return err
	}
	client, err := o.open()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	subjects, err := client.Subjects(ctx)
	if err != nil {
		return o.explain(ctx, address{}, err)
	}
	subjects = matching(o.subjects, subjects)
	var all []subjectSummary
	if o.output != "name" {
		if all, err = summaries(ctx, client, subjects); err != nil {
			return o.explain(ctx, address{}, err)
		}
	}
	switch o.output {
	case "name":
		for _, s := range subjects {
			if err := printText(cmd.OutOrStdout(), s+"\n"); err != nil {
				return err
			}
		}
	case "json":
		return printJSON(cmd.OutOrStdout(), all)
	default:
		if len(all) > 0 {
			renderSubjects(cmd.OutOrStdout(), all, terminalWidth(cmd.OutOrStdout()))
		}
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), counted(len(subjects), "subject"))
	return err
}

// renderSubjects prints a table of at most width characters, as wide as it comes for 0.
func renderSubjects(w io.Writer, all []subjectSummary, width int) {
	columns, add := columnsFor("SUBJECT", "VERSIONS", "ID", "LEVEL", "TYPE")
	for _, s := range all {
		add(s.Subject, versionsText(s.Versions), strconv.Itoa(s.ID), string(s.Level), s.Name+s.Problem)
	}
	const subject, versions, typ = 0, 1, 4
	renderColumns(w, squeezed(columns, width, squeeze{typ, 24}, squeeze{versions, len("VERSIONS")}, squeeze{subject, 24}, squeeze{typ, 4}))
}

// matching returns the names that match a glob.
func matching(glob string, names []string) []string {
	pattern := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(glob))
	matches := regexp.MustCompile(`(?s)\A` + pattern + `\z`).MatchString
	kept := []string{}
	for _, name := range names {
		if matches(name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// manyAtOnce is how many subjects are asked about at the same time.
const manyAtOnce = 8

func summaries(ctx context.Context, client *schema.Client, subjects []string) ([]subjectSummary, error) {
	found := make([]*subjectSummary, len(subjects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(manyAtOnce)
	for i, subject := range subjects {
		group.Go(func() error {
			s, err := summarizeSubject(ctx, client, subject)
			var gone *schema.NotFoundError
			if errors.As(err, &gone) { // deleted since it was listed
				return nil
			}
			found[i] = s
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all := []subjectSummary{}
	for _, s := range found {
		if s != nil {
			all = append(all, *s)
		}
	}
	return all, nil
}

func summarizeSubject(ctx context.Context, client *schema.Client, subject string) (*subjectSummary, error) {
	s := &subjectSummary{Subject: subject}
	var err error
	if s.Versions, err = client.VersionNumbers(ctx, subject); err != nil {
		return nil, err
	}
	if s.Level, err = client.Level(ctx, subject); err != nil {
		return nil, err
	}
	latest, err := client.Latest(ctx, subject)
	var unusable *schema.ParseError
	switch {
	case errors.As(err, &unusable):
		s.Problem = unusable.Problem
	case err != nil:
		return nil, err
	default:
		s.ID, s.Name = latest.ID, latest.Schema.FullName()
	}
	return s, nil
}

// versionsText is a list of numbers with runs in short: 1-3, 5.
func versionsText(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := strconv.Itoa(numbers[i])
		if j > i {
			part += "-" + strconv.Itoa(numbers[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
