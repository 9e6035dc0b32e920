package main

import "github.com/troupe-go/troupe/internal/check"

// checkRules explain what troupe schema check finds beside what schema.Resolve does.
func checkRules() []explanation {
	return []explanation{
		{
			rule: string(check.SubjectDeleted), kind: "breaking",
			short: "a schema is gone that was there before",
			meaning: `A schema file was removed, or its type has another name now: nothing here has the full name that it had. Events of
it stay in their topic until they expire, and services that read them still need the schema.`,
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
So nobody can tell whether what was written with it can be read with the new one, and a check that compared nothing is not green.`,
			who: `Perhaps new consumers, on events that were written while the old version was deployed, if it ever was.`,
			fix: `Compare with an older version that is a schema (--against). If nothing was ever written with the broken
one, waive this finding in troupe.yaml: troupe schema check --print-waivers prints what to paste.`,
			old:   `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "id", "type": "integer"}]}`,
			fixed: `{"type": "record", "name": "OrderPlaced", "fields": [{"name": "id", "type": "int"}]}`,
		},
	}
}
