package main

import "github.com/troupe-go/troupe/schema"

// lintRules explain what schema.Lint finds.
func lintRules() []explanation {
	rules := []explanation{
		{
			rule:    string(schema.LintAliasClash),
			short:   "an alias is the name, or an alias, of another field or type",
			meaning: `An alias says under which name something used to be written. If another field has that name, it is not clear which of the two reads the old value.`,
			who:     `Readers of events from before the renaming: some libraries guess, this one refuses (AMBIGUOUS_ALIAS).`,
			fix:     `Give the other field a name that was never used, or take the alias away once no old event is left.`,
			old:     lintRecord(`{"name": "amount", "type": "int", "doc": "Pieces.", "aliases": ["qty"]}`, `{"name": "qty", "type": "int", "doc": "Boxes."}`),
			fixed:   lintRecord(`{"name": "amount", "type": "int", "doc": "Pieces.", "aliases": ["qty"]}`, `{"name": "boxes", "type": "int", "doc": "Boxes."}`),
		},
		{
			rule:  string(schema.LintAttribute),
			short: "an attribute that Avro ignores, because of where it stands or how it is spelt",
			meaning: `Avro lets a schema hold attributes of one's own, and so never complains about one that it does not know: a slip of
the pen, or an attribute in the wrong place, is silently without effect.`,
			who:   `Whoever counts on it: a "defualt" is no default, and the schema breaks others when the field is added.`,
			fix:   `Spell it as Avro does, and put it where it belongs: a default beside the field's name, not within its type.`,
			old:   lintRecord(`{"name": "note", "type": "string", "doc": "Free text.", "defualt": ""}`),
			fixed: lintRecord(`{"name": "note", "type": "string", "doc": "Free text.", "default": ""}`),
		},
		{
			rule:    string(schema.LintDefaultBranch),
			short:   "a union's default is not a value of its first type",
			meaning: `Until Avro 1.12 a field's default had to be a value of the first type of its union, and most libraries still want that.`,
			who:     `Teams with another Avro library: they cannot even load the schema.`,
			fix:     `Put the type of the default first. The order of a union's types makes no difference to readers who have the writer's schema.`,
			old:     lintRecord(`{"name": "note", "type": ["string", "null"], "doc": "Free text.", "default": null}`),
			fixed:   lintRecord(`{"name": "note", "type": ["null", "string"], "doc": "Free text.", "default": null}`),
		},
		{
			rule:    string(schema.LintDoc),
			short:   "a type, or fields, without a doc",
			meaning: `A schema is what other teams read before they consume an event. Names alone don't say the unit, the bounds, or what it means that a value is missing.`,
			who:     `Nobody today; those who guess wrong later.`,
			fix:     `Write one sentence each: what it is, in which unit, and when it is null. A doc may be changed at any time.`,
			old:     lintRecord(`{"name": "weight", "type": "int"}`),
			fixed:   lintRecord(`{"name": "weight", "type": "int", "doc": "With packaging, in grams."}`),
		},
		{
			rule:    string(schema.LintEnumDefault),
			short:   "an enum without a default",
			meaning: `An enum will get further symbols. A consumer that does not know one takes the enum's default; without a default it cannot read the event at all.`,
			who:     `Consumers with an older schema, on the first event with a new symbol (MISSING_ENUM_SYMBOLS).`,
			fix:     `Add a symbol that stands for all that is unknown, name it as the enum's default, and handle it in the code.`,
			old:     lintRecord(`{"name": "carrier", "doc": "Who brings it.", "type": {"type": "enum", "name": "Carrier", "doc": "Carriers.", "symbols": ["POST", "COURIER"]}}`),
			fixed:   lintRecord(`{"name": "carrier", "doc": "Who brings it.", "type": {"type": "enum", "name": "Carrier", "doc": "Carriers.", "symbols": ["POST", "COURIER", "UNKNOWN"], "default": "UNKNOWN"}}`),
		},
		{
			rule:    string(schema.LintFieldName),
			short:   "a field's name in another style than the others'",
			meaning: `Names in one style, snake_case or camelCase, can be guessed; code that is generated from them looks the same everywhere. The style of most fields of the schema counts.`,
			who:     `Nobody; it is unpleasant, and never goes away.`,
			fix:     `Name new fields in the schema's style. A field that was written already stays, or needs its old name as an alias: new consumers read older events by it, old ones do not read new events.`,
			old:     lintRecord(`{"name": "order_id", "type": "string", "doc": "Ours."}`, `{"name": "shop_id", "type": "string", "doc": "Ours."}`, `{"name": "couponCode", "type": "string", "doc": "Theirs."}`),
			fixed:   lintRecord(`{"name": "order_id", "type": "string", "doc": "Ours."}`, `{"name": "shop_id", "type": "string", "doc": "Ours."}`, `{"name": "coupon_code", "type": "string", "doc": "Theirs."}`),
		},
		{
			rule:  string(schema.LintLogicalType),
			short: "a logical type that Avro ignores",
			meaning: `Avro ignores a logical type that it does not know, that does not go with its type, or that stands beside the field's type instead of
within it. The field is then a plain number or text, and no library says so.`,
			who:   `Consumers: they get a number where they expect a time or an amount. Making it right later changes what the field means.`,
			fix:   `Write it within the type: "type": {"type": "long", "logicalType": "timestamp-micros"}. A decimal needs bytes or a fixed, and a precision.`,
			old:   lintRecord(`{"name": "placed_at", "doc": "When.", "type": "long", "logicalType": "timestamp-micros"}`),
			fixed: lintRecord(`{"name": "placed_at", "doc": "When.", "type": {"type": "long", "logicalType": "timestamp-micros"}}`),
		},
		{
			rule:    string(schema.LintMoney),
			short:   "an amount of money as a float or double",
			meaning: `A float or double cannot hold 0.10 exactly, so sums and comparisons of amounts come out wrong by a cent now and then.`,
			who:     `Whoever adds up or compares: invoices that don't match, payments that are refused.`,
			fix:     `Use a decimal with the scale of the currency, or a long of the smallest unit and say so in its name (amount_cents).`,
			old:     lintRecord(`{"name": "price", "type": "double", "doc": "With tax, in euros."}`),
			fixed:   lintRecord(`{"name": "price", "doc": "With tax, in euros.", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}}`),
		},
		{
			rule:    string(schema.LintNamespace),
			short:   "a type without a namespace",
			meaning: `The full name of a type, with its namespace, is what tells it from another team's. Without one, two different types "Address" are taken for the same.`,
			who:     `Those who use schemas of two teams in one program, and registries that name subjects after types.`,
			fix:     `Add a namespace such as com.example.orders. Readers compare names without it, so it can be added to a type that was written already, but for an enum or fixed in a union (UNION_NAMESPACE_CHANGED).`,
			old:     `{"type": "record", "name": "OrderPlaced", "doc": "Sent when an order is paid.", "fields": []}`,
			fixed:   `{"type": "record", "name": "OrderPlaced", "namespace": "com.example.orders", "doc": "Sent when an order is paid.", "fields": []}`,
		},
		{
			rule:    string(schema.LintNullableDefault),
			short:   "a field that may be null, without a default",
			meaning: `A union with null says that the value may be missing, but not that the field may be: a reader of events that were written without the field needs a default.`,
			who:     `Consumers with this schema on events without the field, also when it is removed later (READER_FIELD_MISSING_DEFAULT_VALUE).`,
			fix:     `Write ["null", T] with "default": null.`,
			old:     lintRecord(`{"name": "note", "type": ["null", "string"], "doc": "Free text."}`),
			fixed:   lintRecord(`{"name": "note", "type": ["null", "string"], "doc": "Free text.", "default": null}`),
		},
		{
			rule:  string(schema.LintPersonal),
			short: "a field that looks like personal data and is not marked as such",
			meaning: `Events are copied into many places. Who must find, mask or delete what belongs to a person has only the schema to go by. The names of fields
that look like it, and of records that look like a person, are a guess; the mark says that somebody has thought about it.`,
			who:   `The people whose data they are, and those who answer for them.`,
			fix:   `Add "pii": true to the field, or "pii": false if it is none. --pii adds words to look for, --pii-property names another property.`,
			old:   lintRecord(`{"name": "email", "type": "string", "doc": "Where the invoice goes."}`),
			fixed: lintRecord(`{"name": "email", "type": "string", "doc": "Where the invoice goes.", "pii": true}`),
		},
		{
			rule:    string(schema.LintSymbolName),
			short:   "an enum's symbols that are not in UPPER_SNAKE_CASE",
			meaning: `Most generated code makes constants of symbols. In one style they can be guessed.`,
			who:     `Nobody; it is unpleasant, and cannot be changed later.`,
			fix:     `Name new symbols in UPPER_SNAKE_CASE. A symbol that was written already must stay as it is.`,
			old:     `{"type": "enum", "name": "Carrier", "namespace": "shop", "doc": "Who brings it.", "symbols": ["unknown", "post"], "default": "unknown"}`,
			fixed:   `{"type": "enum", "name": "Carrier", "namespace": "shop", "doc": "Who brings it.", "symbols": ["UNKNOWN", "POST"], "default": "UNKNOWN"}`,
		},
		{
			rule:    string(schema.LintTime),
			short:   "a time or date as a plain number or text",
			meaning: `A plain long does not say whether it counts seconds or milliseconds, and a text neither its format nor its time zone. Every consumer guesses.`,
			who:     `Consumers that guess wrong: times in 1970 or in the year 50,000.`,
			fix:     `Use timestamp-millis or timestamp-micros on a long for a moment (what was written already: whichever it holds), date on an int for a day, and the local- ones only for times without a zone.`,
			old:     lintRecord(`{"name": "placed_at", "type": "long", "doc": "When it was paid."}`),
			fixed:   lintRecord(`{"name": "placed_at", "doc": "When it was paid.", "type": {"type": "long", "logicalType": "timestamp-micros"}}`),
		},
		{
			rule:    string(schema.LintTypeName),
			short:   "a record, enum or fixed whose name is not in PascalCase",
			meaning: `The names of types become names of types in generated code, and names of subjects. In one style they can be guessed.`,
			who:     `Nobody; it is unpleasant, and hard to change later (NAME_MISMATCH).`,
			fix:     `Name new types in PascalCase. One that was written already stays, or needs its old name as an alias, which helps new consumers only.`,
			old:     `{"type": "record", "name": "order_placed", "namespace": "shop", "doc": "Sent when an order is paid.", "fields": []}`,
			fixed:   `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "doc": "Sent when an order is paid.", "fields": []}`,
		},
	}
	for i := range rules {
		rules[i].kind = "lint " + string(schema.LintRule(rules[i].rule).Severity())
	}
	return rules
}

// lintRecord is a record with those fields that has nothing else to find.
func lintRecord(fields ...string) string {
	text := `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "doc": "Sent when an order is paid.", "fields": [`
	for i, f := range fields {
		if i > 0 {
			text += ","
		}
		text += "\n  " + f
	}
	return text + "\n]}"
}
