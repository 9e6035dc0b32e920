package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/schema"
)

// resolveOptions are the flags of schema resolve.
type resolveOptions struct {
	sourceOptions
	output, datum, format string
	wire                  bool
	errs                  io.Writer
}

func newSchemaResolve() *cobra.Command {
	o := &resolveOptions{}
	cmd := &cobra.Command{
		Use:   "resolve WRITER READER",
		Short: "Show how data of one schema are read with another one",
		Long: `Show how data written with the schema WRITER are read with the schema READER,
field by field, or every reason why they cannot be (exit code 1). With --datum,
show the value as the reader sees it.

` + sourcesHelp + `

A datum is one value that the writer wrote, in one of these forms; auto takes the one that fits
the writer's schema, and asks which one is meant where two of them do:
  binary     Avro binary, with or without Confluent's wire header (a byte 0, the id in 4 bytes)
  hex        the same as hexadecimal digits
  json       Avro's JSON encoding, as -o json prints it: logical types are the numbers and bytes
             that they are made of
  readable   the same with logical types as people write them, as the text here has them:
             "2.50", "2026-11-23T12:00:00Z"
In both JSON forms a value of a union names its type: {"note": {"string": "hi"}}.`,
		Example: `  troupe schema resolve orders-shop.OrderPlaced@1 order_placed.avsc
  troupe schema resolve v1.avsc v2.avsc --datum order.bin
  printf '\x02\x06abc' | troupe schema resolve v1.avsc v2.avsc --datum -
  echo '{"id": "o-1", "total": "12.50"}' | troupe schema resolve v1.avsc v2.avsc --datum -
  troupe schema resolve id:41 order_placed.avsc --datum message.bin -o json | jq .value`,
		Args: arguments(2, 2, "two schemas, the writer's and the reader's"),
		RunE: schemaCommand(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0], args[1]) }),
	}
	o.flags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	cmd.Flags().StringVar(&o.datum, "datum", "", "file with one value that the writer wrote, or - for stdin")
	cmd.Flags().StringVar(&o.format, "datum-format", "auto", "auto, binary, hex, json or readable")
	cmd.Flags().BoolVar(&o.wire, "wire", false, "the datum does begin with Confluent's wire header; without this it may")
	return cmd
}

func (o *resolveOptions) run(cmd *cobra.Command, w, r string) error {
	defer o.close()
	o.in, o.errs = cmd.InOrStdin(), cmd.ErrOrStderr()
	if err := errors.Join(oneOf("-o", o.output, "text", "json"), oneOf("--datum-format", o.format, "auto", "binary", "hex", "json", "readable")); err != nil {
		return usage("%w", err)
	}
	if o.datum == "" && (o.wire || cmd.Flags().Changed("datum-format")) {
		return usage("--wire and --datum-format say what --datum is like, but there is no --datum")
	}
	writer, err := o.load(cmd.Context(), w)
	if err != nil {
		return err
	}
	reader, err := o.load(cmd.Context(), r)
	if err != nil {
		return err
	}
	result := &resolution{writer: writer, reader: reader}
	if o.datum != "" {
		if result.datum, err = o.readDatum(writer.schema); err != nil {
			return err
		}
	}
	if result.plan, result.refused = schema.Resolve(writer.schema, reader.schema); result.refused == nil && o.datum != "" {
		if result.value, err = result.plan.Append([]byte{}, result.datum, schema.Limits{}); err != nil {
			return fmt.Errorf("read the datum as %s: %w", reader.name, err)
		}
	}
	if err := o.print(cmd.OutOrStdout(), result); err != nil {
		return err
	}
	if result.refused != nil {
		hint := "troupe schema explain RULE says how to fix each"
		if isFile(writer.name) {
			hint = howToFix(reader, writer.name, " --mode BACKWARD")
		}
		return breaking("%s cannot read data of %s: %s; %s", reader.name, writer.name, reasons(result.refused), hint)
	}
	return nil
}

// reasons counts why a schema cannot be read.
func reasons(err error) string {
	var mismatch *schema.MismatchError
	if errors.As(err, &mismatch) && len(mismatch.Violations) > 0 {
		return counted(len(mismatch.Violations), "violation")
	}
	return err.Error()
}

// resolution is what resolve found out.
type resolution struct {
	writer, reader *source
	plan           *schema.Plan
	refused        error
	datum          []byte // as the writer wrote it
	value          []byte // as the reader reads it; nil for none
}

func (o *resolveOptions) print(w io.Writer, r *resolution) error {
	if o.output == "json" {
		j, err := resolutionJSONOf(r)
		if err != nil {
			return err
		}
		return printJSON(w, j)
	}
	text, err := resolutionText(r, terminalWidth(w))
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// resolutionText is for people, with a table of at most width characters, as wide as it comes for 0.
func resolutionText(r *resolution, width int) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "writer %s\nreader %s\n\n", r.writer.name, r.reader.name)
	if r.refused != nil {
		var mismatch *schema.MismatchError
		if errors.As(r.refused, &mismatch) {
			for _, v := range mismatch.Violations {
				fmt.Fprintf(&b, "%s  %s\n    %s\n    writer %s, reader %s\n", v.Rule, v.Field, printable(v.Problem(), false),
					r.writer.at(v.Writer.Position), r.reader.at(v.Reader.Position))
			}
			if mismatch.Err != nil {
				fmt.Fprintf(&b, "%v\n", mismatch.Err)
			}
		}
		return b.String(), nil
	}
	columns, add := columnsFor("FIELD", "DO", "WRITER", "READER", "")
	for _, s := range r.plan.Steps() {
		add(s.Field, s.Do, cmp.Or(s.Writer, "-"), cmp.Or(s.Reader, "-"), s.Detail)
	}
	const field, writer, reader, detail = 0, 2, 3, 4
	columns[field].end = true // the beginning is the same in all of them
	renderColumns(&b, squeezed(columns, width, squeeze{detail, 24}, squeeze{writer, 12}, squeeze{reader, 12}, squeeze{field, 24}, squeeze{detail, 1}))
	if r.plan.Unchanged() {
		b.WriteString("\nthe bytes are the same in both schemas\n")
	}
	for _, v := range r.plan.Warnings() {
		fmt.Fprintf(&b, "\nwarning: %s\n", printable(v.String(), false))
	}
	if r.value != nil {
		value, err := r.reader.schema.AppendReadable(nil, r.value, schema.Limits{})
		if err != nil {
			return "", fmt.Errorf("print the value: %w", err)
		}
		fmt.Fprintf(&b, "\nvalue\n%s\n", indented(value))
	}
	return b.String(), nil
}

func indented(text []byte) []byte {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return text
	}
	return b.Bytes()
}

// resolutionJSON is what -o json prints.
type resolutionJSON struct {
	Writer     string          `json:"writer"`
	Reader     string          `json:"reader"`
	Readable   bool            `json:"readable"`
	Unchanged  bool            `json:"unchanged"`
	Steps      []stepJSON      `json:"steps,omitempty"`
	Violations []violationJSON `json:"violations,omitempty"`
	Warnings   []violationJSON `json:"warnings,omitempty"`
	Error      string          `json:"error,omitempty"`
	Value      json.RawMessage `json:"value,omitempty"`
}

type stepJSON struct {
	Field  string `json:"field"`
	Do     string `json:"do"`
	Writer string `json:"writer,omitempty"`
	Reader string `json:"reader,omitempty"`
	Detail string `json:"detail,omitempty"`
}

func resolutionJSONOf(r *resolution) (*resolutionJSON, error) {
	j := &resolutionJSON{Writer: r.writer.name, Reader: r.reader.name, Readable: r.refused == nil}
	var mismatch *schema.MismatchError
	if errors.As(r.refused, &mismatch) {
		j.Violations = violationsJSON(mismatch.Violations, r.writer, r.reader)
		if mismatch.Err != nil {
			j.Error = mismatch.Err.Error()
		}
	}
	if r.refused != nil {
		return j, nil
	}
	j.Unchanged = r.plan.Unchanged()
	j.Warnings = violationsJSON(r.plan.Warnings(), r.writer, r.reader)
	for _, s := range r.plan.Steps() {
		j.Steps = append(j.Steps, stepJSON(s))
	}
	if r.value != nil {
		value, err := r.reader.schema.AppendJSON(nil, r.value, schema.Limits{})
		if err != nil {
			return nil, fmt.Errorf("print the value: %w", err)
		}
		j.Value = value
	}
	return j, nil
}
