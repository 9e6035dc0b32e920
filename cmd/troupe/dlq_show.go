package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/internal/wire"
)

// showOptions are the flags of dlq show.
type showOptions struct {
	*dlqOptions
	group, output string
}

func newDLQShow(shared *dlqOptions) *cobra.Command {
	o := &showOptions{dlqOptions: shared}
	cmd := &cobra.Command{
		Use:        "show ID",
		SuggestFor: []string{"get", "describe", "cat"},
		Short:      "Show one dead letter: what failed, where and why",
		Long: `Show one dead letter: the error and its stack, where the event was read and
where the letter lies, the event's headers and its value. The value is decoded
with the schema that it names when the registry has it, else shown as bytes.
Letters with the same "cause" failed for what looks like the same reason.

ID may be the beginning of an id, if no other letter's id begins with it.

In text, logical types are as people write them: decimals as numbers, dates and
times as in RFC 3339, UUIDs, durations as in ISO 8601. With -o json, data is
Avro's JSON encoding, which says exactly what was written: logical types are the
numbers and bytes that they are made of.`,
		Example: `  troupe dlq show 74wgqwkc5gcqx08n
  troupe dlq show 74wgqwkc5gcqx08n --group payments -o json | jq .headers`,
		Args: arguments(1, 1, "the id of one letter, as troupe dlq ls lists it"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	cmd.Flags().StringVarP(&o.group, "group", "g", "", "look among the letters of this consumer group (default all)")
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	return cmd
}

func (o *showOptions) run(cmd *cobra.Command, id string) error {
	if !slices.Contains([]string{"text", "json"}, o.output) {
		return usage("-o %q is none of text, json", o.output)
	}
	settings, err := o.settings(needed(true))
	if err != nil {
		return err
	}
	reader, err := o.reader(settings)
	if err != nil {
		return err
	}
	defer reader.Close()

	ctx := cmd.Context()
	letter, err := o.find(ctx, reader, id)
	var ambiguous *ambiguousError
	switch {
	case errors.As(err, &ambiguous):
		return err
	case errors.Is(err, dlq.ErrNotFound):
		where := "any group"
		if o.group != "" {
			where = "group " + o.group
		}
		return fmt.Errorf("no letter %q in %s; troupe dlq ls lists them", id, where)
	case err != nil:
		return explain(ctx, reader, o.group, err)
	}
	d := detail(&letter)
	d.next = o.next(&letter)
	if letter.Record.Value != nil {
		bounded, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		v, err := decodeValue(bounded, settings.Registry, &letter.Record)
		if err != nil {
			d.NotDecoded = err.Error()
		}
		d.DataType, d.Data, d.readable = v.name, v.data, v.readable
	}
	if o.output == "json" {
		e := newJSON(cmd.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(d)
	}
	_, err = io.WriteString(cmd.OutOrStdout(), o.text(&d))
	return err
}

// next is the command that says more of why an event can't be decoded, "" for other failures.
func (o *showOptions) next(l *dlq.Letter) string {
	_, ref, _, err := wire.Decode(&l.Record)
	if err != nil {
		return ""
	}
	writer := address{id: ref.ID}
	if ref.IsGUID() {
		guid := uuid.UUID(ref.GUID)
		writer = address{guid: &guid}
	}
	flag := ""
	if o.registry != "" && !strings.Contains(o.registry, "@") { // which may be a password
		flag = " --registry " + o.registry
	}
	switch l.Class {
	case dlq.ClassSchema:
		return fmt.Sprintf("troupe schema resolve %s YOUR.avsc%s, with the schema that the handler reads, says what does not fit", writer, flag)
	case dlq.ClassUnknownSchema:
		return fmt.Sprintf("troupe schema get %s%s says whether the registry has it by now", writer, flag)
	}
	return ""
}

// find returns the letter with that id, or the only one whose id begins with it.
func (o *showOptions) find(ctx context.Context, reader *dlq.Reader, id string) (dlq.Letter, error) {
	var found []dlq.Letter
	for l, err := range reader.List(ctx, dlq.Query{Group: o.group}).All() {
		switch {
		case err != nil:
			return dlq.Letter{}, err
		case l.ID == id:
			return l, nil
		case strings.HasPrefix(l.ID, id) && len(found) < maxAmbiguous:
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return dlq.Letter{}, dlq.ErrNotFound
	case 1:
		return found[0], nil
	}
	ambiguous := &ambiguousError{prefix: id}
	for _, l := range found {
		ambiguous.ids = append(ambiguous.ids, l.ID)
	}
	return dlq.Letter{}, ambiguous
}

// maxAmbiguous is how many letters are named when an id is ambiguous.
const maxAmbiguous = 5

// ambiguousError says that several letters' ids begin alike.
type ambiguousError struct {
	prefix string
	ids    []string
}

func (e *ambiguousError) Error() string {
	more := ""
	if len(e.ids) == maxAmbiguous {
		more = ", ..."
	}
	return fmt.Sprintf("the ids of several letters begin with %q: %s%s", e.prefix, strings.Join(e.ids, ", "), more)
}

// text lays a letter out for people.
func (o *showOptions) text(d *letterDetail) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s%s\n", name, printable(fmt.Sprintf(format, args...), false))
	}
	line("letter", "%s  %s", d.ID, d.State)
	if d.Foreign {
		line("", "not written by troupe: only what its headers say is known")
	}
	line("group", "%s", d.Group)
	if d.Handler != "" {
		line("handler", "%s", d.Handler)
	}
	if d.Class != "" {
		line("class", "%s  %s  cause %s", d.Class, d.ErrorType, d.Fingerprint)
	}
	line("message", "%s", d.Message)
	if d.next != "" {
		line("next", "%s", d.next)
	}
	line("failed", "%s  %s ago", d.FailedAt.Format(time.RFC3339), age(o.now().Sub(d.FailedAt)))
	if d.FirstFailedAt != nil && d.FailedAt.Sub(*d.FirstFailedAt) >= time.Second {
		line("", "%s  for the first time", d.FirstFailedAt.Format(time.RFC3339))
	}
	line("attempts", "%d, dead-lettered %s", d.Attempts, times(d.Failures))
	line("source", "%s", d.Source.String())
	line("lies at", "%s", d.Letter.String())
	if d.ServiceVersion != "" {
		line("version", "%s", d.ServiceVersion)
	}
	b.WriteByte('\n')
	line("event", "%s  %s of %s", d.Event.Type, d.Event.ID, d.Event.Source)
	line("key", "%s", d.keyText())
	line("time", "%s", d.Event.Time.Format(time.RFC3339Nano))
	if d.Event.Subject != "" {
		line("subject", "%s", d.Event.Subject)
	}
	line("flow", "%s", d.Event.CorrelationID)
	if d.Event.CausationID != "" {
		line("caused by", "%s  %d hops from the start", d.Event.CausationID, d.Event.Hops)
	}

	if len(d.Headers) > 0 {
		b.WriteString("\nheaders\n")
	}
	for _, h := range d.Headers {
		fmt.Fprintf(&b, "  %s: %s\n", printable(h.Key, false), headerText(h))
	}
	o.value(&b, d)
	if d.Stack != "" {
		b.WriteString("\nstack\n")
		for l := range strings.Lines(d.Stack) {
			b.WriteString("  " + printable(strings.TrimSuffix(l, "\n"), true) + "\n")
		}
	}
	return b.String()
}

func headerText(h headerJSON) string {
	switch {
	case h.Value != nil:
		return printable(*h.Value, false)
	case h.ValueBase64 != nil:
		return "0x" + hex.EncodeToString(h.ValueBase64)
	}
	return "(null)"
}

// hexBytes is how much of a value is shown in hexadecimal.
const hexBytes = 256

func (o *showOptions) value(b *strings.Builder, d *letterDetail) {
	switch {
	case slices.Contains(d.Dropped, "value"):
		fmt.Fprintf(b, "\nvalue  not in the letter, it was too large; read it at %s\n", d.Source.String())
		return
	case d.ValueBase64 == nil:
		b.WriteString("\nvalue  null\n")
		return
	}
	fmt.Fprintf(b, "\nvalue  %s bytes", thousands(int64(len(d.ValueBase64))))
	if d.SchemaID != 0 {
		fmt.Fprintf(b, ", schema %d", d.SchemaID)
	}
	if d.readable != nil {
		fmt.Fprintf(b, ", %s\n", printable(d.DataType, false))
		writeIndented(b, d.readable)
		return
	}
	fmt.Fprintf(b, ", not decoded: %s\n", printable(d.NotDecoded, false))
	dump := hex.Dump(d.ValueBase64[:min(len(d.ValueBase64), hexBytes)])
	for l := range strings.Lines(dump) {
		b.WriteString("  " + l)
	}
	if more := len(d.ValueBase64) - hexBytes; more > 0 {
		fmt.Fprintf(b, "  … %s bytes more; -o json has all\n", thousands(int64(more)))
	}
}

// writeIndented prints JSON for people.
func writeIndented(b *strings.Builder, data json.RawMessage) {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, data, "  ", "  "); err != nil {
		pretty.Reset()
		pretty.Write(data)
	}
	b.WriteString("  " + printable(pretty.String(), true) + "\n")
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}
