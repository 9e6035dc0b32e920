package main

import "github.com/troupe-go/troupe/schema"

// resolutionRules explain what schema.Resolve finds.
func resolutionRules() []explanation {
	return []explanation{
		{
			rule: string(schema.MissingDefault), kind: "breaking",
			short: "the reader wants a field that the events lack, and has no default for it",
			meaning: `Avro data hold the values of the fields that the writer's schema has, and nothing else. Where the
reader's schema has one more, its default is filled in. Without a default there is nothing to fill in, and the
whole event cannot be read, not only this field.`,
			who: `When the new schema adds the field: new consumers, on every event that is already in the topic. When the new
schema removes the field: the consumers that still have the old schema, on every new event.`,
			fix: `Give the field a default; null with a union of null and the type says "not known". When a field shall go, give
it a default in one version, deploy that to all consumers, and remove the field in the next version. When the
field was only renamed, keep the old name as an alias: "aliases": ["oldName"].`,
			deploy: `Adding with a default, or removing a field that had one: any order.`,
			old: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "order_id", "type": "string"}
]}`,
			new: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "order_id", "type": "string"},
  {"name": "coupon", "type": "string"}
]}`,
			fixed: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "order_id", "type": "string"},
  {"name": "coupon", "type": ["null", "string"], "default": null}
]}`,
		},
		{
			rule: string(schema.TypeMismatch), kind: "breaking",
			short: "the events hold another type than the reader wants, and the one does not become the other",
			meaning: `The bytes of a value say nothing about its type, so a reader can only take a type that the writer's turns into:
int becomes long, float or double; long becomes float or double; float becomes double; string and bytes become each
other. Nothing else does, also not a number in a string.`,
			who: `Whoever reads with the other type: new consumers on old events, and as hardly any change of type works both
ways, consumers with the old schema on new events too.`,
			fix: `Leave the field as it is. Add a field of the new type under a new name with a default, write both for a
while, move the consumers over, then remove the old one.`,
			deploy: `With the two fields side by side: any order. A promotion such as int to long: all consumers first.`,
			old: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "quantity", "type": "string", "default": ""}
]}`,
			new: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "quantity", "type": "int", "default": 0}
]}`,
			fixed: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "quantity", "type": "string", "default": ""},
  {"name": "units", "type": ["null", "int"], "default": null}
]}`,
		},
		{
			rule: string(schema.MissingUnionBranch), kind: "breaking",
			short: "the events may hold a type that the reader's union does not have",
			meaning: `A union lists the types that a value may have, and each value says which of them it is. If the writer may write
one that the reader's list lacks, such a value has no place to go. It counts that it may be written, not whether
it ever was.`,
			who: `When a type is taken out of a union: new consumers, on old events of that type. When a type is added: the consumers
that still have the old schema, on new events of that type.`,
			fix: `Leave every type in the union that was ever written. To add one, teach it to all consumers before the
first producer writes it.`,
			deploy: `Adding a type: all consumers first, then the producers. Removing one: only once no event with it is left in the topic.`,
			old: `{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
  {"name": "reference", "type": ["null", "string", "long"], "default": null}
]}`,
			new: `{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
  {"name": "reference", "type": ["null", "string"], "default": null}
]}`,
			fixed: `{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
  {"name": "reference", "type": ["null", "string", "long"], "default": null}
]}`,
		},
		{
			rule: string(schema.MissingEnumSymbols), kind: "breaking",
			short: "the events may hold a symbol that the reader's enum does not know, and it has no default",
			meaning: `An enum is a closed list of words. If the writer may write one that the reader's list lacks, the reader takes the
enum's default; without one, it cannot read the event. The default of a field does not help here: it is for fields
that are missing, not for words that are unknown.`,
			who: `When a symbol is added: the consumers that still have the old schema, on the first event with the new symbol. When one
is removed or renamed: new consumers, on old events with it.`,
			fix: `Give the enum itself a default, such as "UNKNOWN", and handle that in the code. Do it before you need it: the
default that counts is the one in the reader's schema. Never rename a symbol; add a new one and leave the old.`,
			deploy: `Adding a symbol without a default: all consumers first, then the producers. With a default: any order.`,
			old:    `{"type": "enum", "name": "Carrier", "namespace": "shop", "symbols": ["POST", "COURIER", "DRONE"]}`,
			new:    `{"type": "enum", "name": "Carrier", "namespace": "shop", "symbols": ["POST", "COURIER"]}`,
			fixed: `{"type": "enum", "name": "Carrier", "namespace": "shop", "symbols": ["POST", "COURIER", "UNKNOWN"],
  "default": "UNKNOWN"}`,
		},
		{
			rule: string(schema.NameMismatch), kind: "breaking",
			short: "a record, enum or fixed has another name, and no alias says that it is the same",
			meaning: `Records, enums and fixed have names, and a reader takes them for the same only when the names are: without
regard to the namespace, or through an alias in the reader's schema. A new name is a new type.`,
			who: `Whoever reads with the other name: new consumers on old events, and consumers with the old schema on new events. An
alias helps only those who have it in their schema: the new consumers. Where it is the event itself that has another name, old
consumers of this library have no handler for it: they pass the new events over and count them, without an error.`,
			fix: `Keep the name; it is no more than a name. If it must change, put the old full name into the new type's aliases, or publish the event
under the new name beside the old one.`,
			deploy: `With an alias: all consumers first, then the producers.`,
			old: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "order_id", "type": "string"}
]}`,
			new: `{"type": "record", "name": "OrderCreated", "namespace": "shop", "fields": [
  {"name": "order_id", "type": "string"}
]}`,
			fixed: `{"type": "record", "name": "OrderCreated", "namespace": "shop", "aliases": ["shop.OrderPlaced"], "fields": [
  {"name": "order_id", "type": "string"}
]}`,
		},
		{
			rule: string(schema.FixedSizeMismatch), kind: "breaking",
			short: "two fixed types of the same name have different sizes",
			meaning: `A fixed is so many bytes and nothing around them. A reader that takes more or fewer of them would read
everything behind at the wrong place, so Avro forbids it.`,
			who: `New consumers on old events, and consumers with the old schema on new events.`,
			fix: `Leave the fixed as it is. Add a field with a fixed of a new name and the new size, with a default, or
use bytes, which may have any length.`,
			deploy: `With the two fields side by side: any order.`,
			old: `{"type": "record", "name": "FileStored", "namespace": "shop", "fields": [
  {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 16}}
]}`,
			new: `{"type": "record", "name": "FileStored", "namespace": "shop", "fields": [
  {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 32}}
]}`,
			fixed: `{"type": "record", "name": "FileStored", "namespace": "shop", "fields": [
  {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 16}},
  {"name": "sha256", "type": ["null", {"type": "fixed", "name": "Sha256", "size": 32}], "default": null}
]}`,
		},
		{
			rule: string(schema.DecimalMismatch), kind: "breaking",
			short: "two decimals have another precision or scale",
			meaning: `A decimal is written as a whole number; the scale, which says where the point is, stands in the schema only. With
scale 2 the number 1999 means 19.99, with scale 4 it means 0.1999. Many libraries and registries let
this pass, and amounts are wrong by a factor of a hundred without an error. Here it is one. Where only the precision differs, the number
is the same; but Avro wants the same precision too, and other libraries refuse or cut values that have more digits than theirs.`,
			who: `New consumers on old events, and consumers with the old schema on new events: with another scale they would read wrong
amounts, with another precision only some of them can read the amount.`,
			fix: `Leave the decimal as it is. Add a field of the new precision and scale under a new name with a default, write both, move the
consumers over, then remove the old one.`,
			deploy: `With the two fields side by side: any order.`,
			old: `{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
  {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}}
]}`,
			new: `{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
  {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 4}}
]}`,
			fixed: `{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
  {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
  {"name": "exact_amount", "default": null,
   "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 4}]}
]}`,
		},
		{
			rule: string(schema.AmbiguousAlias), kind: "breaking",
			short: "by their names and aliases, two fields of the reader could read the same one of the events",
			meaning: `An alias says under which name a field used to be written. If another field has that name now, or the same alias,
or a field finds both its name and its alias in the events, it is not clear which value belongs where. Libraries guess, and not
all the same way; here nothing is guessed.`,
			who: `New consumers, on events in which both fit.`,
			fix: `Never give a new field a name that a renamed one used to have: choose a third name. Take aliases away once no
event of the old name is left.`,
			deploy: `With a name of its own and a default for the new field: all consumers first, then the producers.`,
			old: `{"type": "record", "name": "Line", "namespace": "shop", "fields": [
  {"name": "qty", "type": "int"}
]}`,
			new: `{"type": "record", "name": "Line", "namespace": "shop", "fields": [
  {"name": "amount", "type": "int", "aliases": ["qty"]},
  {"name": "qty", "type": "int", "default": 0}
]}`,
			fixed: `{"type": "record", "name": "Line", "namespace": "shop", "fields": [
  {"name": "amount", "type": "int", "aliases": ["qty"]},
  {"name": "boxes", "type": "int", "default": 0}
]}`,
		},
		{
			rule: string(schema.NamespaceChanged), kind: "warning",
			short: "an enum or fixed within a union has moved to another namespace",
			meaning: `The specification compares names without their namespace, and so it is done here. But in a union some
decoders, Avro Java's among them, look for the full name with the namespace and don't find the type.`,
			who:    `Consumers in Java, and perhaps others, on events of the other namespace. Those that use this library read them.`,
			fix:    `Leave the namespace as it is, or add the old full name as an alias and try the change with every consumer's library.`,
			deploy: `If nobody else than this library reads: any order.`,
			old: `{"type": "record", "name": "Shipment", "namespace": "shop", "fields": [
  {"name": "carrier", "type": ["null", {"type": "enum", "name": "Carrier", "symbols": ["POST", "COURIER"]}]}
]}`,
			new: `{"type": "record", "name": "Shipment", "namespace": "shop", "fields": [
  {"name": "carrier", "type": ["null", {"type": "enum", "name": "Carrier", "namespace": "logistics", "symbols": ["POST", "COURIER"]}]}
]}`,
			fixed: `{"type": "record", "name": "Shipment", "namespace": "shop", "fields": [
  {"name": "carrier", "type": ["null", {"type": "enum", "name": "Carrier", "symbols": ["POST", "COURIER"]}]}
]}`,
		},
		{
			rule: string(schema.PrecisionLoss), kind: "warning",
			short: "numbers become a type that cannot hold all of them exactly",
			meaning: `Avro turns an int or a long into a float or double when the reader asks for that. But a float keeps 7 digits
and a double some 15; a long has up to 19. What is larger is rounded, without an error.`,
			who:    `Consumers that count on exact values: ids, amounts in cents, counters.`,
			fix:    `Leave the whole number as it is; calculate with a double in the code where you need one.`,
			deploy: `If rounding does not matter: all consumers first, then the producers.`,
			old: `{"type": "record", "name": "Invoice", "namespace": "shop", "fields": [
  {"name": "cents", "type": "long"}
]}`,
			new: `{"type": "record", "name": "Invoice", "namespace": "shop", "fields": [
  {"name": "cents", "type": "double"}
]}`,
			fixed: `{"type": "record", "name": "Invoice", "namespace": "shop", "fields": [
  {"name": "cents", "type": "long"}
]}`,
		},
		{
			rule: string(schema.LogicalTypeChanged), kind: "warning",
			short: "the same number means something else, such as milliseconds and microseconds",
			meaning: `A logical type says what a number or text means: a long of timestamp-millis is milliseconds since 1970. The bytes
don't change with it, so data can be read with another one, and then mean something else: by a factor of 1,000, or in another
time zone.`,
			who: `New consumers on old events, and consumers with the old schema on new events: no error, but wrong times.`,
			fix: `Leave the logical type as it is. Add a field of the new type under a new name with a default, write both, move the
consumers over, then remove the old one.`,
			deploy: `With the two fields side by side: any order.`,
			old: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}}
]}`,
			new: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-micros"}}
]}`,
			fixed: `{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
  {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "placed_at_micros", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": null}
]}`,
		},
	}
}
