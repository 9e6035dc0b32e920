package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/schema"
)

// resolveOptions are the flags of schema resolve.
type resolveOptions struct {
	sourceOptions
	output, datum, format string
	wire                  bool
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

A datum is one value in Avro binary, as it is or as hexadecimal digits, or in Avro's
JSON encoding, where a value of a union names its type: {"note": {"string": "hi"}}. auto
takes what fits the writer's schema. In text, logical types are as
people write them; with -o json the value is in Avro's JSON encoding.`,
		Example: `  troupe schema resolve orders-shop.OrderPlaced@1 order_placed.avsc
  troupe schema resolve v1.avsc v2.avsc --datum order.bin
  printf '\x02\x06abc' | troupe schema resolve v1.avsc v2.avsc --datum -
  troupe schema resolve id:41 order_placed.avsc --datum message.bin --wire -o json | jq .value`,
		Args: arguments(2, 2, "two schemas, the writer's and the reader's"),
		RunE: schemaCommand(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0], args[1]) }),
	}
	o.flags(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	cmd.Flags().StringVar(&o.datum, "datum", "", "file with one value that the writer wrote, or - for stdin")
	cmd.Flags().StringVar(&o.format, "datum-format", "auto", "auto, binary, hex or json")
	cmd.Flags().BoolVar(&o.wire, "wire", false, "the datum begins with Confluent's wire header: a byte 0 and the id in 4 bytes")
	return cmd
}

func (o *resolveOptions) run(cmd *cobra.Command, w, r string) error {
	defer o.close()
	o.in = cmd.InOrStdin()
	if err := errors.Join(oneOf("-o", o.output, "text", "json"), oneOf("--datum-format", o.format, "auto", "binary", "hex", "json")); err != nil {
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
	text, err := resolutionText(r)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

func resolutionText(r *resolution) (string, error) {
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
	t := newTable(&b)
	t.AppendHeader(table.Row{"FIELD", "DO", "WRITER", "READER", ""})
	for _, s := range r.plan.Steps() {
		t.AppendRow(table.Row{printable(s.Field, false), s.Do, orDash(s.Writer), orDash(s.Reader), printable(s.Detail, false)})
	}
	t.Render()
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

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return printable(s, false)
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

// largestDatum is what is read of a datum: what schema.Limits allow, and hexadecimal digits for it.
const largestDatum = 130 << 20

// readDatum returns the datum in Avro binary, known to be the writer's.
func (o *resolveOptions) readDatum(writer *schema.Schema) ([]byte, error) {
	in, name := o.in, "stdin"
	if o.datum == "-" {
		if err := o.takeStdin("the datum"); err != nil {
			return nil, err
		}
	} else {
		f, err := os.Open(o.datum)
		if err != nil {
			return nil, cannotRead(o.datum, err)
		}
		defer f.Close()
		in, name = f, o.datum
	}
	text, err := readAtMost(in, largestDatum)
	if err != nil {
		return nil, cannotRead(name, err)
	}
	data, err := o.decodeDatum(writer, text)
	if err != nil {
		return nil, fmt.Errorf("%s is no datum of the writer's schema: %w", name, err)
	}
	return data, nil
}

func (o *resolveOptions) decodeDatum(writer *schema.Schema, text []byte) ([]byte, error) {
	switch o.format {
	case "binary":
		return o.checked(writer, text)
	case "hex":
		data, err := fromHex(text)
		if err != nil {
			return nil, err
		}
		return o.checked(writer, data)
	case "json":
		if o.wire {
			return nil, errors.New("JSON has no wire header: leave out --wire")
		}
		data, err := writer.AppendFromJSON(nil, string(text), schema.Limits{})
		return data, explainJSON(err)
	}
	data, err := o.checked(writer, text)
	if err == nil {
		return data, nil
	}
	if digits, bad := fromHex(text); bad == nil {
		if data, worse := o.checked(writer, digits); worse == nil {
			return data, nil
		} else {
			return nil, fmt.Errorf("as hexadecimal digits: %w", worse)
		}
	}
	if json.Valid(text) && len(bytes.TrimSpace(text)) > 0 && !o.wire {
		data, worse := writer.AppendFromJSON(nil, string(text), schema.Limits{})
		if worse == nil {
			return data, nil
		}
		return nil, fmt.Errorf("as Avro's JSON encoding: %w", explainJSON(worse))
	}
	return nil, err
}

// explainJSON adds to what is wrong with Avro's JSON how it has unions, which is not as people expect.
func explainJSON(err error) error {
	if err == nil || !strings.Contains(err.Error(), "union") {
		return err
	}
	return fmt.Errorf(`%w; a value of a union names its type, such as {"note": {"string": "hi"}}`, err)
}

// wireHeader is how long Confluent's is.
const wireHeader = 5

// checked returns data without their wire header, if they are one value of the writer's.
func (o *resolveOptions) checked(writer *schema.Schema, data []byte) ([]byte, error) {
	hasHeader := len(data) >= wireHeader && data[0] == 0
	if o.wire {
		if !hasHeader {
			return nil, errors.New("it does not begin with a wire header, a byte 0 and 4 bytes of an id: leave out --wire")
		}
		data = data[wireHeader:]
	}
	err := writer.Validate(data, schema.Limits{})
	if err != nil && !o.wire && hasHeader && writer.Validate(data[wireHeader:], schema.Limits{}) == nil {
		err = fmt.Errorf("it begins with Confluent's wire header: --wire takes that away")
	}
	return data, err
}

// fromHex reads hexadecimal digits, with spaces, line breaks or 0x between them.
func fromHex(text []byte) ([]byte, error) {
	digits := strings.NewReplacer(" ", "", "\n", "", "\r", "", "\t", "", "0x", "", `\x`, "", ":", "").Replace(string(text))
	data, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errors.New("these are not pairs of hexadecimal digits")
	}
	return data, nil
}
