package schema_test

import (
	"fmt"

	"github.com/troupe-go/troupe/schema"
)

func ExampleParse() {
	money, err := schema.Parse(`{"type": "record", "name": "shop.Money", "fields": [
		{"name": "minor", "type": "long"},
		{"name": "currency", "type": "string", "default": "EUR"}]}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	refund, err := schema.Parse(`{"type": "record", "name": "shop.Refunded", "fields": [
		{"name": "amount", "type": "Money"}]}`, money)
	fmt.Println(refund.FullName(), err)
	fmt.Println(refund)

	_, err = schema.Parse(`{"type": "record", "name": "shop.Refunded", "fields": [
		{"name": "amount", "type": "Mony"}]}`, money)
	fmt.Println(err)
	// Output:
	// shop.Refunded <nil>
	// {"type":"record","name":"Refunded","namespace":"shop","fields":[{"name":"amount","type":{"type":"record","name":"Money","fields":[{"name":"minor","type":"long"},{"name":"currency","type":"string","default":"EUR"}]}}]}
	// avro schema 2:30 (/fields/0/type): unknown type "Mony": did you mean "shop.Money"?
}

func ExampleSchema_Canonical() {
	s, err := schema.Parse(`{
		"type": "record", "namespace": "shop", "name": "Paid", "doc": "Money has arrived.",
		"fields": [{"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0}]
	}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Canonical())
	fmt.Printf("%016x\n", s.Rabin())
	// Output:
	// {"name":"shop.Paid","type":"record","fields":[{"name":"at","type":"long"}]}
	// 1c124dcea8e93551
}

func ExampleSchema_Validate() {
	s, err := schema.Parse(`{"type": "record", "name": "shop.Basket", "fields": [
		{"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
			{"name": "sku", "type": "string"},
			{"name": "gift", "type": "boolean"}]}}}]}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Validate([]byte("\x02\x06mug\x01\x00"), schema.Limits{}))
	fmt.Println(s.Validate([]byte("\x02\x06mug\x07\x00"), schema.Limits{}))
	// Output:
	// <nil>
	// shop.Basket: byte 5: shop.Basket.lines[].gift: the byte 7 is not a boolean, 0 or 1
}
