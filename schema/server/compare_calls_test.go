package server_test

import "strings"

const (
	line    = `{"type":"record","name":"shop.Line","fields":[{"name":"order","type":"shop.Order"}]}`
	lineDoc = `{"type":"record","name":"shop.Line","doc":"One.","fields":[{"name":"order","type":"shop.Order"}]}`
	onV1    = `,"references":[{"name":"shop.Order","subject":"$orders","version":1}]`
	onTotal = `,"references":[{"name":"shop.Order","subject":"$totals","version":2}]`
	on9     = `,"references":[{"name":"shop.Order","subject":"$orders","version":9}]`
	forward = `{"compatibility":"FORWARD"}`
	level   = `{"compatibility":"BACKWARD"}`
)

var conversation = []step{
	// Before anything is there.
	{"GET /schemas/types", "", ""},
	{"GET /subjects", "", ""},
	{"GET /subjects/$orders/versions absent", "", ""},
	{"GET /subjects/$orders/versions/1 absent", "", ""},
	{"GET /subjects/$orders/versions/latest absent", "", ""},
	{"POST /subjects/$orders absent", proposal(v1), ""},
	{"DELETE /subjects/$orders absent", "", ""},
	{"DELETE /subjects/$orders/versions/1 absent", "", ""},
	{"POST /compatibility/subjects/$orders/versions absent", proposal(v1), ""},
	{"POST /compatibility/subjects/$orders/versions/latest absent", proposal(v1), ""},
	{"POST /compatibility/subjects/$orders/versions/1 absent", proposal(v1), ""},
	{"GET /schemas/ids/2147483647", "", ""},
	{"GET /schemas/ids/x", "", ""},
	{"GET /config", "", ""},
	{"GET /config/$orders unset", "", ""},
	{"GET /config/$orders?defaultToGlobal=true unset", "", ""},
	{"PUT /config/$absent", level, ""},
	{"DELETE /config/$orders unset", "", ""},
	{"GET /nowhere", "", ""},

	// Register, look up, list.
	{"POST /subjects/$orders/versions", proposal(v1), "v1"},
	{"POST /subjects/$orders/versions again", proposal(v1), "v1"},
	{"POST /subjects/$spaced/versions", proposal(" " + strings.ReplaceAll(v1, ":", " : ")), "spaced"},
	{"POST /subjects/$orders/versions", proposal(v2), "v2"},
	{"POST /subjects/$others/versions", proposal(v1), "v1"},
	{"POST /subjects/$orders/versions incompatible", proposal(withTotal), ""},
	{"POST /subjects/$orders", proposal(v1), ""},
	{"POST /subjects/$orders not there", proposal(other), ""},
	{"GET /subjects now", "", ""},
	{"GET /subjects/$orders/versions", "", ""},
	{"GET /subjects/$orders/versions/1", "", ""},
	{"GET /subjects/$orders/versions/latest", "", ""},
	{"GET /subjects/$orders/versions/-1", "", ""},
	{"GET /subjects/$orders/versions/3", "", ""},
	{"GET /subjects/$orders/versions/0", "", ""},
	{"GET /subjects/$orders/versions/abc", "", ""},
	{"GET /subjects/$orders/versions/1/schema", "", ""},
	{"GET /schemas/ids/#v1", "", ""},
	{"GET /schemas/ids/#v1/versions", "", ""},
	{"GET /schemas/ids/#v1/subjects", "", ""},
	{"GET /schemas/ids/#v1/schema", "", ""},

	// What is no schema.
	{"POST /subjects/$empty/versions", proposal(""), ""},
	{"POST /subjects/$bad/versions no JSON", proposal("{"), ""},
	{"POST /subjects/$bad/versions unknown type", proposal(`{"type":"recrd"}`), ""},
	{"POST /subjects/$bad/versions bad default", proposal(`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}`), ""},
	{"POST /subjects/$bad/versions unknown schema type", proposal(v1, `,"schemaType":"XML"`), ""},
	{"POST /subjects/$bad/versions body", "{", ""},
	{"POST /subjects/$bad/versions body empty", "", ""},
	{"POST /compatibility/subjects/$orders/versions/latest no JSON", proposal("{"), ""},

	// The level of a subject, and what it asks for.
	{"PUT /config/$orders", forward, ""},
	{"GET /config/$orders", "", ""},
	{"PUT /config/$orders unknown", `{"compatibility":"SIDEWARD"}`, ""},
	{"PUT /config/$orders empty", `{}`, ""},
	{"POST /compatibility/subjects/$orders/versions/latest forward", proposal(withTotal), ""},
	{"POST /compatibility/subjects/$orders/versions/latest forward no", proposal(intID), ""},
	{"POST /compatibility/subjects/$orders/versions forward no", proposal(intID), ""},
	{"POST /compatibility/subjects/$orders/versions/1 forward", proposal(withTotal), ""},
	{"POST /compatibility/subjects/$orders/versions/9", proposal(v1), ""},
	{"POST /compatibility/subjects/$orders/versions/x", proposal(v1), ""},
	{"POST /subjects/$orders/versions forward no", proposal(intID), ""},
	{"POST /subjects/$orders/versions", proposal(withTotal), "v3"},
	{"DELETE /config/$orders", "", ""},
	{"GET /config/$orders gone", "", ""},
	{"POST /subjects/$orders/versions older again", proposal(v1), "v1"},
	{"POST /subjects/$free/versions", proposal(v1), "v1"},
	{"PUT /config/$free none", `{"compatibility":"NONE"}`, ""},
	{"POST /subjects/$free/versions none", proposal(intID), ""},

	// References.
	{"POST /subjects/$lines/versions", proposal(line, onV1), "line"},
	{"POST /subjects/$lines/versions unknown reference", proposal(line, on9), ""},
	{"POST /subjects/$lines/versions no reference", proposal(line), ""},
	{"GET /schemas/ids/#line", "", ""},
	{"GET /subjects/$lines/versions/1", "", ""},
	{"POST /subjects/$lines", proposal(line, onV1), ""},
	{"GET /subjects/$orders/versions/1/referencedby", "", ""},
	{"GET /subjects/$lines/versions/1/referencedby", "", ""},
	{"POST /compatibility/subjects/$lines/versions/latest refers", proposal(lineDoc, onV1), ""},
	{"POST /subjects/$totals/versions", proposal(v1), "v1"},
	{"PUT /config/$totals", forward, ""},
	{"POST /subjects/$totals/versions", proposal(withTotal), "v3"},
	{"POST /compatibility/subjects/$lines/versions/latest breaks in the reference", proposal(line, onTotal), ""},
	{"POST /subjects/$lines/versions breaks in the reference", proposal(line, onTotal), ""},
	{"DELETE /subjects/$orders/versions/1 referenced", "", ""},
	{"DELETE /subjects/$orders referenced", "", ""},
	{"DELETE /subjects/$lines", "", ""},
	{"DELETE /subjects/$lines?permanent=true", "", ""},

	// Two ways to delete.
	{"DELETE /subjects/$orders/versions/3?permanent=true not soft", "", ""},
	{"DELETE /subjects/$orders/versions/3", "", ""},
	{"DELETE /subjects/$orders/versions/3 twice", "", ""},
	{"GET /subjects/$orders/versions less", "", ""},
	{"GET /subjects/$orders/versions?deleted=true", "", ""},
	{"GET /subjects/$orders/versions/3 deleted", "", ""},
	{"GET /subjects/$orders/versions/3?deleted=true", "", ""},
	{"GET /schemas/ids/#v3", "", ""},
	{"POST /subjects/$orders deleted", proposal(withTotal), ""},
	{"POST /compatibility/subjects/$orders/versions/latest without deleted", proposal(v2), ""},
	{"DELETE /subjects/$orders/versions/3?permanent=true", "", ""},
	{"GET /subjects/$orders/versions?deleted=true less", "", ""},
	{"DELETE /subjects/$orders/versions/9", "", ""},
	{"DELETE /subjects/$others?permanent=true not soft", "", ""},
	{"DELETE /subjects/$others", "", ""},
	{"DELETE /subjects/$others twice", "", ""},
	{"GET /subjects/$others/versions gone", "", ""},
	{"GET /subjects?deleted=true", "", ""},
	{"POST /subjects/$others/versions revived", proposal(v1), "v1"},
	{"GET /subjects/$others/versions revived", "", ""},
	{"DELETE /subjects/$others revived", "", ""},
	{"DELETE /subjects/$others?permanent=true", "", ""},
	{"DELETE /subjects/$others?permanent=true twice", "", ""},

	// Modes, and names that have to be escaped.
	{"GET /mode/$orders", "", ""},
	{"PUT /mode/$orders", `{"mode":"READONLY"}`, ""},
	{"POST /subjects/$orders/versions read-only", proposal(v1, `,"doc":"x"`), ""},
	{"PUT /mode/$orders back", `{"mode":"READWRITE"}`, ""},
	{"PUT /mode/$orders unknown", `{"mode":"WRITEONLY"}`, ""},
	{"POST /subjects/$a%2Fb%2Bc%20d/versions", proposal(v1), "v1"},
	{"GET /subjects/$a%2Fb%2Bc%20d/versions", "", ""},
	{"DELETE /subjects/$a%2Fb%2Bc%20d", "", ""},
	{"DELETE /subjects/$a%2Fb%2Bc%20d?permanent=true", "", ""},
}
