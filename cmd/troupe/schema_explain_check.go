package main

import "github.com/troupe-go/troupe/internal/check"

// checkRules explain what troupe schema check finds beside what schema.Resolve does.
func checkRules() []explanation {
	return []explanation{
		{
			rule: string(check.SubjectDeleted), kind: "breaking",
			short: "a schema is gone that was there before",
			meaning: `A schema file was removed, or its type has another name now: nothing here has the full name that it had. Events of
it stay in their topic until they expire, and services that read them still need the schema. Compared with a registry, that is
said of what the change deletes and the registry has.`,
			who: `Nobody at once. Services that still wait for the event get none any more, and a service that reads the topic from its
beginning finds events that the repository says nothing about.`,
			fix: `Bring the file back. If the type has another name now, say so there with the old full name as an alias. If it is meant,
because nobody publishes or reads the event any more, say that: --allow-deleted, or "deleted: allow" in troupe.yaml. What a service has a contract
for (contracts/<service>) fails all the same, until that is gone too.`,
			deploy: `Consumers stop to read first, then producers stop to publish; the schema goes last, when the topic holds no such event.`,
			old:    "git rm schemas/order_placed.avsc\ntroupe schema check",
			fixed:  "git rm schemas/order_placed.avsc\ntroupe schema check --allow-deleted",
		},
		{
			rule: string(check.BaseUnreadable), kind: "breaking",
			short: "the version to compare with is no Avro schema",
			meaning: `The old version of the file, in git or in the registry, does not parse: it is no JSON, or not a schema that Avro allows.
So nobody can tell whether what was written with it can be read with the new one, and a check that compared nothing is not green.
What other tools let pass is read all the same: a type that is defined twice in the same way, a namespace with illegal parts.`,
			who: `Perhaps new consumers, on events that were written while the old version was deployed, if it ever was.`,
			fix: `Compare with an older version that is a schema (--against). If nothing was ever written with the broken
one, waive this finding in troupe.yaml: troupe schema check --print-waivers prints what to paste.`,
			old:   `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "id", "type": "integer"}]}`,
			fixed: `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "id", "type": "int"}]}`,
		},
		{
			rule: string(check.VersionChanged), kind: "breaking",
			short: "a file <subject>/<n>.avsc that was out is changed",
			meaning: `In a directory of versions each file is what events were written with. Edited, it is the schema of other events;
deleted, it is that of none. Docs, defaults and aliases may change.`,
			who:   `Everybody who reads events of that version: nobody finds its schema any more.`,
			fix:   `Put the file back as it was, and add the change as the next version beside it.`,
			old:   "edit schemas/orders-value/1.avsc",
			fixed: "cp schemas/orders-value/1.avsc schemas/orders-value/2.avsc\nedit schemas/orders-value/2.avsc",
		},
		{
			rule: string(check.GeneratedDiffers), kind: "breaking",
			short: "generated Go code has another schema than the .avsc file",
			meaning: `avrogen writes the schema into the Go code that it makes, and programs read and write with that text: the .avsc file is not
there when they run. Here the two differ, so what is checked is not what runs. Either nobody ran go generate after the file was changed, or
avrogen ran without -fullschema, which drops defaults and aliases. Code is looked for where a go:generate line names the file, or beside it; docs and
properties may differ.`,
			who: `Programs with that code. Without the default of a new field, every event that was published before it is a dead letter, though the check of
the file is green.`,
			fix:    `Run "go generate ./...", with -fullschema in avrogen's go:generate line, and commit what it writes.`,
			deploy: `Nothing was deployed yet; once the code is right, the order is that of the change of the schema.`,
			old:    "//go:generate go tool avrogen -pkg contract -encoders -strict-types -o events_gen.go order_placed.avsc",
			fixed:  "//go:generate go tool avrogen -pkg contract -encoders -fullschema -strict-types -o events_gen.go order_placed.avsc\ngo generate ./...",
		},
		{
			rule: string(check.MaybeRenamed), kind: "warning",
			short: "a field is new where one of its type is gone",
			meaning: `A field with a default is new, and another one of the same type is gone. If it is the old one under a new name, this
can be read, and every old value of it is lost: readers fill in the default.`,
			who: `Nobody fails. New consumers read the default where old events have a value.`,
			fix: `If the field was renamed, give it the old name as an alias. If it is another field, there is nothing to do; where
--strict makes warnings fail, waive it.`,
			deploy: `Consumers with the alias first, then producers.`,
			old:    `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "note", "type": "string", "default": ""}]}`,
			new:    `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "remark", "type": "string", "default": ""}]}`,
			fixed:  `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "remark", "type": "string", "default": "", "aliases": ["note"]}]}`,
		},
		{
			rule: string(check.DefaultRemoved), kind: "warning",
			short: "a field lost its default",
			meaning: `A field had a default and has none any more. The last version has the field, so its events can be read; those of
versions before the field existed can't.`,
			who:    `New consumers, on events from before the field existed, if the topic still has some or they are replayed.`,
			fix:    `Keep the default: it costs nothing. A _TRANSITIVE mode with --tags looks whether older versions need it.`,
			deploy: `Any order.`,
			old:    `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "note", "type": "string", "default": ""}]}`,
			new:    `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "note", "type": "string"}]}`,
			fixed:  `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "note", "type": "string", "default": ""}]}`,
		},
	}
}
