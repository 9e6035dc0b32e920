package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/schema"
)

// registerOptions are the flags of schema register.
type registerOptions struct {
	sourceOptions
	output string
	dryRun bool
}

func newSchemaRegister() *cobra.Command {
	o := &registerOptions{}
	cmd := &cobra.Command{
		Use:   "register SUBJECT FILE",
		Short: "Register a schema after checking it against the subject's versions",
		Long: `Register a schema under a subject, or say under which version it is there already.

Producers and consumers built with troupe look for the subject <topic>-<full name>, such as
orders-shop.OrderPlaced for the event shop.OrderPlaced on the topic orders, unless they were
given a schema.SubjectNamer of their own (schema.TopicName is orders-value).

It is first checked here, against the versions that the registry's compatibility level
asks for: if somebody would break, nothing is sent, every violation is named and the
exit code is 1. A registry checks less: one violation at a time, and not all of them.

Types that other files define are taken from --references and written out in the
schema, which is registered as one self-contained text.`,
		Example: `  troupe schema register orders-shop.OrderPlaced order_placed.avsc --dry-run
  troupe schema register orders-shop.OrderPlaced order_placed.avsc
  troupe schema register orders-shop.OrderPlaced order_placed.avsc --references address.avsc,customer.avsc`,
		Args: subjectAndFile,
		RunE: schemaCommand(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0], args[1]) }),
	}
	o.flags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "check, and say what would be done")
	return cmd
}

// subjectAndFile knows the arguments also when they are the wrong way around.
func subjectAndFile(cmd *cobra.Command, args []string) error {
	if len(args) == 2 && (looksLikeFile(args[0]) || isFile(args[0])) && !looksLikeFile(args[1]) && !isFile(args[1]) && args[1] != "-" {
		return misused(cmd, "the subject comes first: troupe schema register %s %s", args[1], args[0])
	}
	return arguments(2, 2, "a subject and a file")(cmd, args)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// registered is what schema register -o json prints.
type registered struct {
	Subject string `json:"subject"`
	// Outcome is "registered", "present", "compatible" (dry run) or "incompatible".
	Outcome  string      `json:"outcome"`
	Version  int         `json:"version,omitempty"`
	ID       int         `json:"id,omitempty"`
	Level    schema.Mode `json:"level"`
	Versions int         `json:"versions"`
	Breaks   []breakJSON `json:"breaks,omitempty"`
}

type breakJSON struct {
	Version    int             `json:"version"`
	Who        string          `json:"who"`
	Violations []violationJSON `json:"violations,omitempty"`
	Error      string          `json:"error,omitempty"`
}

func (o *registerOptions) run(cmd *cobra.Command, subject, file string) error {
	defer o.close()
	o.in = cmd.InOrStdin()
	if err := oneOf("-o", o.output, "text", "json"); err != nil {
		return err
	}
	client, err := o.open()
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	candidate, err := o.local(file)
	if err != nil {
		return err
	}
	result, breaks, err := o.check(ctx, client, subject, candidate)
	if err != nil {
		return o.explain(ctx, address{}, err)
	}
	if name := candidate.schema.FullName(); result.Versions == 0 && !namesSubject(subject, name) {
		topic := subject[:max(strings.LastIndexByte(subject, '-'), 0)]
		fmt.Fprintf(cmd.ErrOrStderr(), "! %s is a new subject, and nobody looks there for %s without a schema.SubjectNamer of their own; did you mean %s?\n",
			subject, name, schema.TopicRecordName(cmp.Or(topic, subject), name))
	}
	if result.Outcome == "compatible" && !o.dryRun {
		v, err := client.Register(ctx, subject, candidate.schema)
		if err != nil {
			var refused *schema.IncompatibleError
			if errors.As(err, &refused) {
				return breaking("the registry refuses what the check here found compatible: %w", err)
			}
			return o.explain(ctx, address{}, err)
		}
		result.Outcome, result.Version, result.ID = "registered", v.Version, v.ID
	}
	if o.output == "json" {
		err = printJSON(cmd.OutOrStdout(), result)
	} else {
		err = result.print(cmd.OutOrStdout(), breaks)
	}
	if err == nil && len(breaks) > 0 {
		err = breaking("%s is not registered under %s, whose level is %s; %s",
			candidate.name, subject, result.Level, howToFix(candidate, "registry:"+subject, o.registryFlag()))
	}
	return err
}

// namesSubject reports whether one of the usual namings gives this subject to a type of this full name.
func namesSubject(subject, name string) bool {
	return name == "" || subject == schema.RecordName("", name) || strings.HasSuffix(subject, schema.TopicRecordName("", name)) ||
		strings.HasSuffix(subject, schema.TopicName("", name)) || strings.HasSuffix(subject, "-key")
}

// registryFlag is --registry for another command, if it was given to this one.
func (o *registerOptions) registryFlag() string {
	if o.registry == "" || strings.Contains(o.registry, "@") { // which may be a password
		return ""
	}
	return " --registry " + o.registry
}

// howToFix says which command repairs what keeps a schema from following another one.
func howToFix(candidate *source, against, flags string) string {
	if !isFile(candidate.name) {
		return "troupe schema explain RULE says how to fix each"
	}
	return fmt.Sprintf("troupe schema check %s --against %s%s says how to fix each", candidate.name, against, flags)
}

// local is load for what must not be the registry's.
func (o *registerOptions) local(file string) (*source, error) {
	if file == "-" {
		return o.stdin(file)
	}
	return o.file(file)
}

// check finds out whether the candidate may be the next version.
func (o *registerOptions) check(ctx context.Context, client *schema.Client, subject string, candidate *source) (*registered, []registerBreak, error) {
	r := &registered{Subject: subject, Outcome: "compatible"}
	var err error
	if r.Level, err = client.Level(ctx, subject); err != nil {
		return nil, nil, err
	}
	mode, err := schema.ParseMode(string(r.Level))
	if err != nil {
		return nil, nil, fmt.Errorf("the level of subject %q in the registry: %w", subject, err)
	}
	versions, err := client.Versions(ctx, subject)
	var none *schema.NotFoundError
	switch {
	case errors.As(err, &none):
		return r, nil, nil
	case err != nil:
		return nil, nil, err
	}
	r.Versions = len(versions)
	history := make([]*schema.Schema, len(versions))
	for i, v := range versions {
		history[i] = v.Schema
		if v.Schema.String() == candidate.schema.String() {
			r.Outcome, r.Version, r.ID = "present", v.Version, v.ID
		}
	}
	if r.Outcome == "present" {
		return r, nil, nil
	}
	var breaks []registerBreak
	for _, b := range mode.Check(candidate.schema, history) {
		v := versions[b.Version]
		old := &source{name: address{subject: subject, version: v.Version}.String(), schema: v.Schema}
		broken := registerBreak{version: v.Version, oldReads: b.OldReads, mismatch: b.Mismatch, writer: old, reader: candidate}
		if b.OldReads {
			broken.writer, broken.reader = candidate, old
		}
		breaks = append(breaks, broken)
		r.Breaks = append(r.Breaks, broken.json())
	}
	if len(breaks) > 0 {
		r.Outcome = "incompatible"
	}
	return r, breaks, nil
}

// registerBreak is a version that does not get along with the candidate.
type registerBreak struct {
	version        int
	oldReads       bool
	mismatch       *schema.MismatchError
	writer, reader *source
}

func (b *registerBreak) who() string {
	if b.oldReads {
		return fmt.Sprintf("consumers on version %d cannot read new events", b.version)
	}
	return fmt.Sprintf("new consumers cannot read events of version %d", b.version)
}

func (b *registerBreak) problem(v schema.Violation) string {
	if b.oldReads {
		return problem(v, "new", "old")
	}
	return problem(v, "old", "new")
}

func (b *registerBreak) json() breakJSON {
	j := breakJSON{Version: b.version, Who: b.who(), Violations: violationsJSON(b.mismatch.Violations, b.writer, b.reader)}
	if b.mismatch.Err != nil {
		j.Error = b.mismatch.Err.Error()
	}
	return j
}

func (r *registered) print(w io.Writer, breaks []registerBreak) error {
	var b strings.Builder
	checked := fmt.Sprintf("level %s, %s before", r.Level, counted(r.Versions, "version"))
	switch r.Outcome {
	case "registered":
		fmt.Fprintf(&b, "registered %s version %d, id %d (%s)\n", r.Subject, r.Version, r.ID, checked)
	case "present":
		fmt.Fprintf(&b, "%s has it already: version %d, id %d\n", r.Subject, r.Version, r.ID)
	case "compatible":
		fmt.Fprintf(&b, "%s would take it (%s); nothing was registered\n", r.Subject, checked)
	}
	for _, broken := range breaks {
		fmt.Fprintf(&b, "%s\n", broken.who())
		for _, v := range broken.mismatch.Violations {
			fmt.Fprintf(&b, "  %s  %s\n      %s\n      writer %s, reader %s\n", v.Rule, v.Field, broken.problem(v),
				broken.writer.at(v.Writer.Position), broken.reader.at(v.Reader.Position))
		}
		if broken.mismatch.Err != nil {
			fmt.Fprintf(&b, "  %v\n", broken.mismatch.Err)
		}
	}
	return printText(w, b.String())
}
