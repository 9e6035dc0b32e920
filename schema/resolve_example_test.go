package schema_test

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe/schema"
)

func parsed(text string) *schema.Schema {
	s, err := schema.Parse(text)
	if err != nil {
		panic(err)
	}
	return s
}

var (
	orderV1 = parsed(`{"type": "record", "name": "shop.Order", "fields": [
		{"name": "id", "type": "string"},
		{"name": "qty", "type": "int"}]}`)
	orderV2 = parsed(`{"type": "record", "name": "shop.Order", "fields": [
		{"name": "amount", "type": "long", "aliases": ["qty"]},
		{"name": "id", "type": "string"},
		{"name": "currency", "type": "string", "default": "EUR"}]}`)
)

// A plan reads what was written with an older schema.
func ExampleResolve() {
	plan, err := schema.Resolve(orderV1, orderV2)
	if err != nil {
		fmt.Println(err)
		return
	}
	written, _ := orderV1.AppendFromJSON(nil, `{"id": "o-1", "qty": 3}`, schema.Limits{})
	read, err := plan.Append(nil, written, schema.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := orderV2.AppendJSON(nil, read, schema.Limits{})
	fmt.Println(string(text))
	for _, step := range plan.Steps() {
		fmt.Printf("%-8s%s: %q\n", step.Do, step.Field, step.Detail)
	}
	// Output:
	// {"amount":3,"id":"o-1","currency":"EUR"}
	// copy    shop.Order: ""
	// promote shop.Order.amount: "the writer calls it qty"
	// copy    shop.Order.id: ""
	// default shop.Order.currency: "\"EUR\""
}

// Where there is no plan, every reason is named.
func ExampleResolve_violations() {
	_, err := schema.Resolve(orderV2, orderV1)
	var mismatch *schema.MismatchError
	if errors.As(err, &mismatch) {
		for _, v := range mismatch.Violations {
			fmt.Println(v.Rule, v.Field, "at", v.Reader.Position)
		}
	}
	// Output:
	// READER_FIELD_MISSING_DEFAULT_VALUE shop.Order.qty at 3:3
}

func ExampleMode_Check() {
	for _, mode := range []schema.Mode{schema.Backward, schema.Full} {
		fmt.Println(mode, len(mode.Check(orderV2, []*schema.Schema{orderV1})))
	}
	for _, b := range schema.Full.Check(orderV2, []*schema.Schema{orderV1}) {
		fmt.Println("consumers with version", b.Version+1, "cannot read new events:", b.OldReads)
	}
	// Output:
	// BACKWARD 0
	// FULL 1
	// consumers with version 1 cannot read new events: true
}

func ExampleCompare() {
	c := schema.Compare(orderV1, orderV2)
	for _, change := range c.Changes {
		fmt.Printf("%s: %s, %s\n", change.Field, change.Kind, change.Detail)
	}
	fmt.Println(c.Mode())
	// Output:
	// shop.Order.amount: field renamed, qty -> amount; the new field has the alias qty
	// shop.Order.amount: type changed, int -> long
	// shop.Order.currency: field added, string, default "EUR"
	// shop.Order: fields reordered, now amount, id, currency
	// BACKWARD
}

func ExampleLint() {
	s := parsed(`{"type": "record", "name": "shop.Paid", "doc": "An order was paid.", "fields": [
		{"name": "total", "type": "double", "doc": "In EUR."}]}`)
	for _, finding := range schema.Lint(s, schema.LintConfig{}) {
		fmt.Println(finding.Severity, finding.Rule, finding.Position)
	}
	// Output:
	// warning MONEY_AS_FLOAT 2:3
}
