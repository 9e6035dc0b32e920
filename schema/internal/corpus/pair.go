package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// pairRow is a row of avro-compat or avro-random.
type pairRow struct {
	Writer       avsc          `json:"writer"`
	Reader       avsc          `json:"reader"`
	Expect       *bool         `json:"expect"`
	SpecReadable *bool         `json:"spec_readable"`
	Violations   []violation   `json:"expect_violations"`
	Types        []schema.Rule `json:"types"`
	Unsure       *struct {
		Why string `json:"why"`
	} `json:"unsure"`
	Twins bool    `json:"twin_branches"`
	Data  []datum `json:"data"`
}

type violation struct {
	Type schema.Rule `json:"type"`
}

// datum is a value, written with the writer's schema.
type datum struct {
	Hex         string  `json:"hex"`
	Out         *string `json:"out"`
	ExpectOut   *string `json:"expect_out"`
	InvalidUTF8 bool    `json:"invalid_utf8"`
}

func checkPair(o *Outcome, text []byte) {
	var row pairRow
	if !o.read(text, &row) {
		return
	}
	expect := row.Expect
	if expect == nil {
		expect = row.SpecReadable
	}
	if expect == nil {
		o.Skipped = "no verdict is expected"
		if row.Unsure != nil && row.Unsure.Why != "" {
			o.Skipped = row.Unsure.Why
		}
	}
	plan, rules, reader := row.resolve(o)
	readable := plan != nil
	if expect != nil && *expect != readable {
		o.wrong("verdict: %s, expected %s", o.Said, readability(*expect))
		return
	}
	if expect != nil && !readable && len(rules) > 0 { // none when a schema does not parse
		o.rules(rules, row.rules())
	}
	for i, d := range row.Data {
		data := o.unhex(d.Hex)
		if o.Unreadable == nil && readable {
			row.datum(o, plan, reader, i, data, expect != nil)
		}
	}
}

func readability(readable bool) string {
	if readable {
		return "readable"
	}
	return "not readable"
}

// rules are those that the row says are broken, nil if it does not say.
func (row *pairRow) rules() (all []schema.Rule) {
	for _, v := range row.Violations {
		all = append(all, v.Type)
	}
	return append(all, row.Types...)
}

func (o *Outcome) rules(got, want []schema.Rule) {
	if want == nil {
		return
	}
	slices.Sort(got)
	slices.Sort(want)
	if got, want := slices.Compact(got), slices.Compact(want); !slices.Equal(got, want) {
		o.wrong("violations: %q, expected %q: %s", got, want, o.Said)
	}
}

// resolve returns the plan, or the rules that are broken: none if one of the schemas is none.
func (row *pairRow) resolve(o *Outcome) (*schema.Plan, []schema.Rule, *schema.Schema) {
	writer, werr := o.parse("writer", row.Writer)
	reader, rerr := o.parse("reader", row.Reader)
	if err := errors.Join(werr, rerr); err != nil {
		o.Said = "not readable, " + err.Error()
		return nil, nil, nil
	}
	plan, err := schema.Resolve(writer, reader)
	if err != nil {
		return nil, o.mismatch(err), reader
	}
	o.Said = "readable"
	for _, w := range plan.Warnings() {
		o.Said += "; warning " + w.String()
		if !w.Rule.Warning() {
			o.wrong("a warning of a rule that is none: %s", w)
		}
	}
	if len(plan.Steps()) == 0 && !plan.Unchanged() {
		o.wrong("a plan that changes data has no steps")
	}
	return plan, nil, reader
}

// mismatch returns the rules that are broken.
func (o *Outcome) mismatch(err error) (rules []schema.Rule) {
	o.Said = "not readable, " + err.Error()
	mismatch := new(schema.MismatchError)
	if !errors.As(err, &mismatch) || len(mismatch.Violations) == 0 {
		o.wrong("%T without violations: %v", err, err)
		return nil
	}
	for _, v := range mismatch.Violations {
		rules = append(rules, v.Rule)
		if v.Rule.Warning() {
			o.wrong("a violation of a rule that only warns: %s", v)
		}
		if v.Field == "" || v.Path != "" && !strings.HasPrefix(v.Path, "/") {
			o.wrong("a violation without its place: %+v", v)
		}
	}
	return rules
}

// datum reads a value with a plan.
func (row *pairRow) datum(o *Outcome, plan *schema.Plan, reader *schema.Schema, i int, data []byte, settled bool) {
	d := row.Data[i]
	says := func(format string, args ...any) {
		o.wrong("datum %d (%s): %s", i, d.Hex, fmt.Sprintf(format, args...))
	}
	const before = "before"
	out, err := plan.Append([]byte(before), data, schema.Limits{})
	if !bytes.HasPrefix(out, []byte(before)) || err != nil && len(out) != len(before) {
		says("Append did not keep what it was to append to")
		return
	}
	out = out[len(before):]
	switch want := d.want(); {
	case err != nil && d.InvalidUTF8:
		o.Data++
		return
	case err != nil:
		says("%v", err)
		return
	case !settled || want == nil:
		o.Unsettled++
	case !bytes.Equal(out, o.unhex(*want)) && row.Twins:
		o.Unsettled++ // several branches match, so more than one value is right
	case !bytes.Equal(out, o.unhex(*want)):
		says("became %x, expected %s", out, *want)
	default:
		o.Data++
	}
	if err := reader.Validate(out, schema.Limits{}); err != nil {
		says("became %x, which is no value of the reader's schema: %v", out, err)
	}
	if plan.Unchanged() && !bytes.Equal(out, data) {
		says("became %x by a plan that says that it changes nothing", out)
	}
	if _, err := plan.Append(nil, append(slices.Clip(data), 0), schema.Limits{}); err == nil {
		says("a byte behind it is not noticed")
	}
	if len(data) > 0 {
		if _, err := plan.Append(nil, data[:len(data)-1], schema.Limits{}); err == nil {
			says("without its last byte it is read too")
		}
	}
}

func (d *datum) want() *string {
	if d.ExpectOut != nil {
		return d.ExpectOut
	}
	return d.Out
}
