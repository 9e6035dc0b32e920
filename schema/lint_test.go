package schema

import (
	"slices"
	"strings"
	"testing"
)

// linted are the findings about the fields of a record that is otherwise as it should be.
func linted(t *testing.T, cfg LintConfig, fields string) []Finding {
	t.Helper()
	cfg.Disable = append(cfg.Disable, LintDoc)
	return Lint(avsc(t, `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [`+fields+`]}`), cfg)
}

func TestLint_FindsWhatWillHurt(t *testing.T) {
	for _, c := range []struct {
		fields string
		rule   LintRule // "" for nothing to find
		says   string   // in the problem or the fix
	}{
		{`{"name": "id", "type": "string"}`, "", ""},
		{`{"name": "order_id", "type": "string"}, {"name": "shop_id", "type": "string"}, {"name": "couponCode", "type": "string"}`, LintFieldName, "name it coupon_code"},
		{`{"name": "orderId", "type": "string"}, {"name": "shopId", "type": "string"}, {"name": "coupon_code", "type": "string"}`, LintFieldName, "name it couponCode"},
		{`{"name": "OrderId", "type": "string"}`, LintFieldName, "name it order_id"},
		{`{"name": "orderURL", "type": "string"}`, "", ""},
		{`{"name": "n", "type": ["null", "int"]}`, LintNullableDefault, `add "default": null`},
		{`{"name": "n", "type": ["int", "null"]}`, LintNullableDefault, `put "null" first`},
		{`{"name": "n", "type": ["int", "null"], "default": null}`, LintDefaultBranch, "put the type of the default first"},
		{`{"name": "n", "type": ["int", "null"], "default": 3}`, "", ""},
		{`{"name": "a", "type": "int", "aliases": ["b"]}, {"name": "b", "type": "int"}`, LintAliasClash, "another field's name"},
		{`{"name": "a", "type": "int", "aliases": ["c"]}, {"name": "b", "type": "int", "aliases": ["c"]}`, LintAliasClash, "also an alias of a"},
		{`{"name": "a", "type": "int", "aliases": ["a"]}`, "", ""},
		{`{"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A"]}}`, LintEnumDefault, `"UNKNOWN"`},
		{`{"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["a", "B"], "default": "B"}}`, LintSymbolName, "UPPER_SNAKE_CASE: a"},
		{`{"name": "f", "type": {"type": "fixed", "name": "my_fixed", "size": 1}}`, LintTypeName, "name it MyFixed"},
		{`{"name": "f", "type": {"type": "fixed", "name": "F", "namespace": "", "size": 1}}`, LintNamespace, "has no namespace"},

		{`{"name": "d", "type": {"type": "long", "logicalType": "timestamp-mili"}}`, LintLogicalType, "Avro does not define it"},
		{`{"name": "d", "type": {"type": "long", "logicalType": "timestamp_millis"}}`, LintLogicalType, `did you mean "timestamp-millis"?`},
		{`{"name": "d", "type": {"type": "int", "logicalType": "timestamp-millis"}}`, LintLogicalType, "it lies on long"},
		{`{"name": "d", "type": {"type": "bytes", "logicalType": "decimal"}}`, LintLogicalType, `it has no "precision"`},
		{`{"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3}}`, LintLogicalType, "its scale is not"},
		{`{"name": "d", "type": {"type": "fixed", "name": "F", "size": 2, "logicalType": "decimal", "precision": 9}}`, LintLogicalType, "hold a precision of 4 at most, not 9"},
		{`{"name": "d", "type": {"type": "string", "logicalType": "decimal", "precision": 9}}`, LintLogicalType, "it lies on bytes or a fixed"},
		{`{"name": "d", "type": {"type": "fixed", "name": "F", "size": 8, "logicalType": "duration"}}`, LintLogicalType, "12 bytes"},
		{`{"name": "d", "type": "long", "logicalType": "timestamp-millis"}`, LintLogicalType, `write "type": {"type": "long", "logicalType": "timestamp-millis"}`},
		{`{"name": "d", "type": ["null", {"type": "int", "logicalType": 7}], "default": null}`, LintLogicalType, "a number and is ignored"},
		{`{"name": "d", "type": {"type": "string", "logicalType": "uuid"}}`, "", ""},

		{`{"name": "d", "type": "int", "defualt": 1}`, LintAttribute, `did you mean "default"?`},
		{`{"name": "d", "type": "int", "docs": "x"}`, LintAttribute, `did you mean "doc"?`},
		{`{"name": "d", "type": {"type": "int", "default": 1}}`, LintAttribute, "the default within the int type is ignored"},
		{`{"name": "d", "type": {"type": "bytes", "precision": 4}}`, LintAttribute, `"logicalType": "decimal"`},
		{`{"name": "d", "type": {"type": "array", "items": "int", "item": "int"}}`, LintAttribute, `did you mean "items"?`},
		{`{"name": "d", "type": {"type": "string", "avro.java.string": "String"}, "connect.index": 1, "order_by": 1}`, "", ""},

		{`{"name": "unit_price", "type": ["null", "double"], "default": null}`, LintMoney, "decimal"},
		{`{"name": "totals", "type": {"type": "array", "items": "float"}}`, LintMoney, "float"},
		{`{"name": "tax_rate", "type": "double"}`, "", ""},
		{`{"name": "_", "type": "double"}, {"name": "__", "type": "long"}`, "", ""},
		{`{"name": "order_total", "type": "double"}`, LintMoney, "in a new field"},
		{`{"name": "total_eur", "type": "double"}`, LintMoney, "decimal"},
		{`{"name": "total_precipitation_depth", "type": "float"}`, "", ""},
		{`{"name": "amount_cents", "type": "long"}`, "", ""},

		{`{"name": "created_at", "type": "long"}`, LintTime, `"timestamp-millis"} or "timestamp-micros", whichever it holds`},
		{`{"name": "policyTimestamp", "type": "int"}`, LintTime, `"date"} if it counts days`},
		{`{"name": "timestampPolicy", "type": "int"}`, "", ""},
		{`{"name": "timestampMetadataVersionId", "type": "int"}, {"name": "realTimeTopicName", "type": "string"}`, "", ""},
		{`{"name": "createdAt", "type": "string"}`, LintTime, "timestamp-micros"},
		{`{"name": "timestamp", "type": "long"}`, LintTime, "timestamp-micros"},
		{`{"name": "delivery_date", "type": "string"}`, LintTime, "date"},
		{`{"name": "response_time", "type": "long"}`, "", ""},
		{`{"name": "flat", "type": "long"}`, "", ""},
		{`{"name": "created_at", "type": {"type": "long", "logicalType": "timestamp-micros"}}`, "", ""},
		{`{"name": "created_at", "type": {"type": "long", "logicalType": "timestamps"}}`, LintLogicalType, "ignored"},

		{`{"name": "customer_email", "type": "string"}`, LintPersonal, `"pii": true`},
		{`{"name": "phoneNumbers", "type": {"type": "array", "items": "string"}}`, LintPersonal, `"pii": true`},
		{`{"name": "last_name", "type": "string"}`, LintPersonal, `"pii": true`},
		{`{"name": "iban", "type": "string", "pii": true}`, "", ""},
		{`{"name": "iban", "type": {"type": "string", "pii": false}}`, "", ""},
		{`{"name": "email_verified", "type": "boolean"}`, "", ""},
		{`{"name": "product_name", "type": "string"}`, "", ""},
		{`{"name": "name", "type": "string"}`, "", ""},
		{`{"name": "by", "type": {"type": "record", "name": "Customer", "fields": [{"name": "name", "type": "string"}]}}`, LintPersonal, "name looks like personal data"},
		{`{"name": "with", "type": {"type": "record", "name": "CreditCard", "fields": [{"name": "number", "type": "string"}]}}`, LintPersonal, "number looks like personal data"},
	} {
		t.Run(c.fields, func(t *testing.T) {
			found := linted(t, LintConfig{}, c.fields)
			switch {
			case c.rule == "" && len(found) > 0:
				t.Fatalf("found %+v", found)
			case c.rule == "":
			case len(found) != 1 || found[0].Rule != c.rule:
				t.Fatalf("found %+v, want %s", found, c.rule)
			case !strings.Contains(found[0].Problem+" "+found[0].Fix, c.says):
				t.Errorf("%+v does not say %q", found[0], c.says)
			}
		})
	}
}

func TestLint_LooksAtEveryTypeOnce(t *testing.T) {
	found := linted(t, LintConfig{}, `
		{"name": "a", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
			{"name": "price", "type": "double"}, {"name": "next", "type": ["null", "Line"], "default": null}]}}},
		{"name": "b", "type": {"type": "map", "values": "Line"}}`)
	if len(found) != 1 || found[0].Field != "shop.OrderPlaced.a[].price" || found[0].Path != "/fields/0/type/items/fields/0" {
		t.Errorf("found %+v", found)
	}
	if found[0].Position != (Position{Line: 3, Column: 4}) {
		t.Errorf("at %v", found[0].Position)
	}
}

func TestLint_CanBeTold(t *testing.T) {
	const fields = `{"name": "nickname", "type": "string"}, {"name": "email", "type": "string", "confidential": true}, {"name": "total", "type": "double"}`
	found := linted(t, LintConfig{Disable: []LintRule{LintMoney}, PersonalProperty: "confidential", PersonalWords: []string{"nickname"}}, fields)
	if len(found) != 1 || found[0].Rule != LintPersonal || !strings.Contains(found[0].Fix, `"confidential": true`) {
		t.Errorf("found %+v", found)
	}
}

func TestLint_SaysWhichDocsAreMissing(t *testing.T) {
	found := Lint(avsc(t, `{"type": "record", "name": "R", "namespace": "shop", "fields": [
		{"name": "a", "type": "int"}, {"name": "b", "type": "int", "doc": "B."}, {"name": "c", "type": "int"}]}`), LintConfig{})
	var problems []string
	for _, f := range found {
		problems = append(problems, f.Problem)
	}
	if want := []string{"the record shop.R has no doc", "2 of the 3 fields of shop.R have no doc: a, c"}; !slices.Equal(problems, want) {
		t.Errorf("found %q", problems)
	}
}

func TestLint_NamesAliasesOfOtherTypes(t *testing.T) {
	found := linted(t, LintConfig{}, `{"name": "a", "type": {"type": "fixed", "name": "A", "size": 1, "aliases": ["B"]}}, {"name": "b", "type": {"type": "fixed", "name": "B", "size": 1}}`)
	if len(found) != 1 || found[0].Rule != LintAliasClash || found[0].Field != "shop.A" {
		t.Errorf("found %+v", found)
	}
}

func TestLintRules_HaveSeverities(t *testing.T) {
	all := LintRules()
	for _, rule := range all {
		if rule.Severity() == "" {
			t.Errorf("%s has none", rule)
		}
	}
	if len(all) != 14 {
		t.Errorf("%d rules", len(all))
	}
}

func FuzzCompareAndLint(f *testing.F) {
	f.Add(`"int"`, `["null", "string"]`)
	f.Add(`{"type": "record", "name": "R", "fields": [{"name": "a", "type": "R"}]}`, `{"type": "record", "name": "R", "fields": [{"name": "_", "type": ["null", "R"], "logicalType": []}]}`)
	f.Add(`{"type": "enum", "name": "E", "symbols": []}`, `{"type": "enum", "name": "__", "symbols": ["A"], "aliases": ["E"], "precision": {}}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		old, err := ParseStored(a)
		if err != nil {
			return
		}
		new, err := ParseStored(b)
		if err != nil {
			return
		}
		c := Compare(old, new)
		if Lint(new, LintConfig{}); c.Mode() == "" {
			t.Error("no mode")
		}
		if len(Compare(new, new).Changes) > 0 {
			t.Error("changes from itself")
		}
	})
}
