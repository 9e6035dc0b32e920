package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// limitCents is the payment service's limit in euro cents; it has the same in
// every currency.
const limitCents = 60_000

func TestOrders_AreWhatTheGeneratorMakes(t *testing.T) {
	want, err := os.ReadFile("../orders.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := write(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Fatal("orders.jsonl is not what the generator makes: go run ./examples/quickstart/gen > examples/quickstart/orders.jsonl")
	}
}

func TestOrders_HaveWhatTheQuickstartShows(t *testing.T) {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		t.Fatal(err)
	}
	perCent := map[string]float64{}
	for _, c := range countries {
		perCent[c.currency.code] = c.currency.perCent
	}
	ids, buyers, currencies := map[string]bool{}, map[string]int{}, map[string]int{}
	var broken []int
	declined, fromAntarctica, n := 0, 0, 0
	for text := range bytes.Lines(text.Bytes()) {
		n++
		var o order
		if json.Unmarshal(text, &o) != nil {
			broken = append(broken, n)
			continue
		}
		total := int64(0)
		for _, l := range o.Lines {
			total += int64(l.Quantity) * l.UnitPriceMinor
		}
		if total != o.TotalMinor || total <= 0 {
			t.Errorf("line %d: the total is %d, the lines add up to %d", n, o.TotalMinor, total)
		}
		if ids[o.OrderID] {
			t.Errorf("line %d: %s is there twice", n, o.OrderID)
		}
		if !strings.HasSuffix(o.Customer.Email, "@example.com") && !strings.HasSuffix(o.Customer.Email, "@example.org") {
			t.Errorf("line %d: %s may be somebody's", n, o.Customer.Email)
		}
		ids[o.OrderID] = true
		buyers[o.Customer.ID]++
		currencies[o.Currency]++
		if float64(o.TotalMinor) > limitCents*perCent[o.Currency] {
			declined++
		}
		if o.Customer.Country == antarctica.code {
			fromAntarctica++
		}
	}
	most := 0
	for _, k := range buyers {
		most = max(most, k)
	}
	t.Logf("%d lines, %d customers, one with %d orders, %d declined, %d from Antarctica, %v", n, len(buyers), most, declined, fromAntarctica, currencies)
	if n != lines || len(broken) != 1 || broken[0] != brokenLine {
		t.Errorf("%d lines, broken are %v", n, broken)
	}
	if len(buyers) != 120 || most < 100 {
		t.Errorf("%d customers, one with %d orders", len(buyers), most)
	}
	if declined < 20 || declined > 40 || fromAntarctica != stationsOrders {
		t.Errorf("%d declined, %d from Antarctica", declined, fromAntarctica)
	}
	if len(currencies) < 10 || currencies["JPY"] == 0 || currencies["KWD"] == 0 {
		t.Errorf("currencies: %v", currencies)
	}
}
