package server_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/schema/internal/shop"
	"github.com/troupe-go/troupe/schema/server"
)

// A client that no one here wrote registers, looks up, writes and reads with the embedded
// registry, and each side reads the other's bytes.
func TestServer_WorksWithConfluentsPythonClient(t *testing.T) {
	python := os.Getenv("TROUPE_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import confluent_kafka.schema_registry.avro").CombinedOutput(); err != nil {
		t.Skipf(`%s has no confluent-kafka[avro,schemaregistry] (pip install it, or name an interpreter that has it in TROUPE_PYTHON): %v %s`,
			python, err, lastLine(out))
	}

	a := start(t, server.Config{})
	reg, err := schema.NewClient(troupe.Registry{URL: a.url}, schema.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer reg.Close()
	written := &shop.OrderPlaced{
		OrderID: "o-1", Customer: shop.Customer{ID: 7, Email: "ann@example.com"},
		ShipTo:   shop.Address{Street: "Gärtnerstraße 1", City: "Berlin", PostalCode: "10245", Country: "DE"},
		Lines:    []shop.Line{{Sku: "tea", Quantity: 2, UnitPrice: 450}},
		Currency: "EUR", Total: big.NewRat(1999, 100), PlacedAt: time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC),
		Attributes: map[string]string{"channel": "web"}, Checksum: [16]byte{1, 2, 3}, Signature: []byte{0, 255},
	}
	const said = `{"order_id":"o-1","customer":{"id":7,"email":"ann@example.com","phone":null},
		"ship_to":{"street":"Gärtnerstraße 1","city":"Berlin","postal_code":"10245","country":"DE"},"bill_to":null,
		"lines":[{"sku":"tea","quantity":2,"unit_price":450,"weight_kg":null,"gift":false}],"currency":"EUR","total":"19.99",
		"placed_at":"2026-03-01T12:00:00.005000+00:00","attributes":{"channel":"web"},
		"checksum":"01020300000000000000000000000000","signature":"00ff"}`

	s, err := schema.Of(written)
	if err != nil {
		t.Fatal(err)
	}
	v, err := reg.Register(t.Context(), "ours", s)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := schema.AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, uint32(v.ID)), written)
	if err != nil {
		t.Fatal(err)
	}
	_, byID := a.call("GET /schemas/ids/1", "")
	var kept struct{ GUID uuid.UUID }
	if err := json.Unmarshal([]byte(byID), &kept); err != nil {
		t.Fatal(err)
	}

	avsc, err := os.ReadFile("../internal/shop/order_placed.avsc")
	if err != nil {
		t.Fatal(err)
	}
	got := ask(t, python, a.url, map[string]any{
		"avsc": string(avsc), "value": json.RawMessage(said),
		"ours": map[string]string{"payload": hex.EncodeToString(payload), "guid": "01" + hex.EncodeToString(kept.GUID[:])},
	})

	// avsc is the same schema as ours in another text, so it has the same id.
	theirs := decodeHex(t, got["registered"])
	if !bytes.Equal(theirs[:5], payload[:5]) {
		t.Errorf("theirs starts with %x, ours with %x", theirs[:5], payload[:5])
	}
	for _, form := range []string{"looked_up", "latest", "normalized"} {
		if again := decodeHex(t, got[form]); !bytes.Equal(again, theirs) {
			t.Errorf("%s: %x, not %x", form, again, theirs)
		}
	}
	if body := decodeHex(t, got["in_header"]); !bytes.Equal(body, theirs[5:]) {
		t.Errorf("in_header: %x, not %x", body, theirs[5:])
	}
	wantJSON(t, got, "header", `"01`+hex.EncodeToString(kept.GUID[:])+`"`)
	wantJSON(t, got, "ours", said)
	wantJSON(t, got, "ours_by_guid", said)
	wantJSON(t, got, "price", `"0000000003c60f"`)
	wantJSON(t, got, "price_read", `{"net":{"cents":995}}`)
	wantJSON(t, got, "subjects", `["money","orders-shop.OrderPlaced","orders-value","ours","prices-value","shop.OrderPlaced"]`)
	wantJSON(t, got, "versions", `[1]`)
	wantJSON(t, got, "version", `["orders-shop.OrderPlaced",1,1,"`+kept.GUID.String()+`"]`)
	wantJSON(t, got, "lookup", `1`)
	wantJSON(t, got, "types", `["AVRO"]`)
	wantJSON(t, got, "by_id", `[["orders-shop.OrderPlaced",1],["orders-value",1],["ours",1],["shop.OrderPlaced",1]]`)
	wantJSON(t, got, "config", `"NONE"`)
	wantJSON(t, got, "config_read", `"NONE"`)
	wantJSON(t, got, "checked", `[true,true]`)
	wantJSON(t, got, "compatible", `[true,false,false,false,true]`)
	wantJSON(t, got, "not_serialized", `[409,409]`)
	var refused struct {
		status, code int
		message      string
	}
	if err := json.Unmarshal(got["refused"], &[]any{&refused.status, &refused.code, &refused.message}); err != nil || refused.status != 409 || refused.code != 409 ||
		!strings.Contains(refused.message, `details: [{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The new schema cannot read what version 2 wrote: at path '/fields/1' (Order.total)`) {
		t.Errorf("refused: %s", got["refused"])
	}
	wantJSON(t, got, "forward", `"FORWARD_TRANSITIVE"`)
	wantJSON(t, got, "forward_read", `"FORWARD_TRANSITIVE"`)
	wantJSON(t, got, "forward_compatible", `true`)
	wantJSON(t, got, "forward_registered", `true`)
	wantJSON(t, got, "global", `["BACKWARD","FULL","FULL","FULL","BACKWARD"]`)
	wantJSON(t, got, "config_deleted", `["FORWARD_TRANSITIVE",40408]`)
	wantJSON(t, got, "deletes", `[40407,3,[1,2],[1,2,3],true,3,[1,2],[1,2],40404,40401,[1,2]]`)
	wantJSON(t, got, "referenced_by", `1`)
	wantJSON(t, got, "missing", `[40401,40402,40403,42201,42206]`)
	wantJSON(t, got, "deleted", `[[1],[1]]`)

	decoder, err := schema.NewDecoder[shop.OrderPlaced](reg, schema.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var byNumber, byGUID shop.OrderPlaced
	if err := decoder.Decode(t.Context(), v.ID, theirs[5:], &byNumber); err != nil {
		t.Error(err)
	}
	if err := decoder.DecodeGUID(t.Context(), kept.GUID, theirs[5:], &byGUID); err != nil {
		t.Error(err)
	}
	wantOrder(t, byNumber, *written)
	wantOrder(t, byGUID, *written)
}

func wantOrder(t *testing.T, got, want shop.OrderPlaced) {
	t.Helper()
	if got.Total.Cmp(want.Total) != 0 || !got.PlacedAt.Equal(want.PlacedAt) {
		t.Errorf("total %v at %v, not %v at %v", got.Total, got.PlacedAt, want.Total, want.PlacedAt)
	}
	got.Total, got.PlacedAt = want.Total, want.PlacedAt
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, not %+v", got, want)
	}
}

func decodeHex(t *testing.T, text json.RawMessage) []byte {
	t.Helper()
	var digits string
	if err := json.Unmarshal(text, &digits); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) < 6 {
		t.Fatalf("%s: %v", text, err)
	}
	return b
}

// ask runs the Python client.
func ask(t *testing.T, python, url string, given any) map[string]json.RawMessage {
	t.Helper()
	in, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/confluent_client.py", url)
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("confluent_client.py: %v\n%s", err, errs.Bytes())
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("confluent_client.py answers %q: %v", out, err)
	}
	return got
}

func wantJSON(t *testing.T, got map[string]json.RawMessage, what, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if err := json.Unmarshal(got[what], &g); err != nil || !reflect.DeepEqual(g, w) {
		t.Errorf("%s: %s, not %s", what, got[what], want)
	}
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
