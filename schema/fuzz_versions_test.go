package schema

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/troupe-go/troupe/schema/internal/shop"
)

// oldVersions are schemas that data of the shop's types were written with in another life. Between
// them, everything happens to a field that can happen.
var oldVersions = map[string][]string{
	"shop.OrderPlaced": {
		`{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [
			{"name": "checksum", "type": {"type": "fixed", "name": "Checksum", "size": 16}},
			{"name": "internal", "type": {"type": "array", "items": ["null", "string", {"type": "map", "values": "double"}]}},
			{"name": "order_id", "type": "bytes"},
			{"name": "customer", "type": {"type": "record", "name": "Customer", "fields": [
				{"name": "email", "type": "string"}, {"name": "id", "type": "int"}, {"name": "age", "type": ["int", "null"]}]}},
			{"name": "ship_to", "type": {"type": "record", "name": "Address", "fields": [
				{"name": "city", "type": "string"}, {"name": "street", "type": "bytes"}, {"name": "postal_code", "type": "string"}]}},
			{"name": "invoice_to", "type": ["Address", "null"]},
			{"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
				{"name": "unit_price", "type": "int"}, {"name": "sku", "type": "string"}, {"name": "quantity", "type": "int"},
				{"name": "weight_kg", "type": ["float", "long", "null"]}]}}},
			{"name": "currency", "type": {"type": "enum", "name": "Currency", "symbols": ["JPY", "EUR", "CHF", "OTHER"]}},
			{"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
			{"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
			{"name": "signature", "type": "string"}]}`,
	},
	"shop.StockMoved": {
		`{"type": "record", "name": "StockMoved", "namespace": "shop", "fields": [
			{"name": "urgent", "type": "boolean"}, {"name": "weight_kg", "type": "float"}, {"name": "left", "type": "int"},
			{"name": "order_id", "type": "string"}, {"name": "gone", "type": {"type": "map", "values": {"type": "array", "items": "null"}}},
			{"name": "delta", "type": "int"}, {"name": "sku", "type": "bytes"}, {"name": "warehouse", "type": "string"}]}`,
		`{"type": "record", "name": "StockMoved", "namespace": "old", "fields": [
			{"name": "warehouse", "type": "string"}, {"name": "sku", "type": "string"}, {"name": "delta", "type": "int"}, {"name": "left", "type": "long"},
			{"name": "weight_kg", "type": "long"}, {"name": "urgent", "type": "boolean"}]}`,
	},
	"shop.Category": {
		`{"type": "record", "name": "Category", "namespace": "shop", "fields": [
			{"name": "note", "type": ["bytes", "int", "null", "string"]},
			{"name": "counts", "type": {"type": "map", "values": "Category"}},
			{"name": "children", "type": {"type": "array", "items": "Category"}},
			{"name": "rank", "type": "long"},
			{"name": "name", "type": "bytes"}]}`,
		`{"type": "record", "name": "Category", "namespace": "shop", "fields": [
			{"name": "name", "type": "string"}, {"name": "children", "type": {"type": "array", "items": "Category"}},
			{"name": "counts", "type": {"type": "map", "values": "Category"}},
			{"name": "parent", "type": ["null", "Category"]},
			{"name": "best", "type": "null"}, {"name": "note", "type": "int"}]}`,
	},
}

// version decodes data of one version in two ways.
type version struct {
	writer *Schema
	decode func(t *testing.T, data []byte)
}

// versionsOf returns the versions of a type.
func versionsOf[T any, R RecordOf[T]](f *testing.F) (all []version) {
	now := decoderOf[T, R](f, Limits{})
	for _, text := range oldVersions[schemaOf(f, R(nil)).FullName()] {
		writer := mustParse(f, text)
		plan, err := Resolve(writer, schemaOf(f, R(nil)))
		if err != nil {
			f.Fatal(err)
		}
		old, err := NewDecoder[T, R](&one{schema: writer}, Limits{})
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, version{writer, func(t *testing.T, data []byte) {
			var direct, planned T
			directly := old.Decode(context.Background(), 1, data, &direct)
			out, err := plan.Append(nil, data, Limits{})
			if err == nil {
				err = now.Decode(context.Background(), 1, out, &planned)
			}
			bad := new(DataError)
			if directly != nil && !errors.As(directly, &bad) {
				t.Fatalf("%T %v", directly, directly)
			}
			if (directly == nil) != (err == nil) {
				t.Fatalf("%x: straight into the type: %v; by the reader's bytes: %v", data, directly, err)
			}
			if err == nil && !alike(reflect.ValueOf(direct), reflect.ValueOf(planned)) {
				t.Fatalf("%x: straight into the type: %+v; by the reader's bytes, %x: %+v", data, direct, out, planned)
			}
		}})
	}
	return all
}

// alike is reflect.DeepEqual, but that NaN is itself.
func alike(a, b reflect.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		return math.Float64bits(a.Float()) == math.Float64bits(b.Float()) || math.IsNaN(a.Float()) && math.IsNaN(b.Float())
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() || a.Type() == reflect.PointerTo(ratType) {
			return reflect.DeepEqual(a.Interface(), b.Interface()) || !a.IsNil() && !b.IsNil() && fmt.Sprint(a.Interface()) == fmt.Sprint(b.Interface())
		}
		return alike(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !alike(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for entry := a.MapRange(); entry.Next(); {
			if other := b.MapIndex(entry.Key()); !other.IsValid() || !alike(entry.Value(), other) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !alike(a.Field(i), b.Field(i)) {
				return false
			}
		}
	}
	return a.Kind() == reflect.Struct && a.NumField() > 0 && a.Type().Field(0).IsExported() || reflect.DeepEqual(a.Interface(), b.Interface())
}

// FuzzVersions decodes data of old versions straight into their Go types, and by way of the
// reader's bytes: both are the same, in values and in errors, and cost no more memory than the bytes allow.
func FuzzVersions(f *testing.F) {
	all := append(append(versionsOf[shop.OrderPlaced](f), versionsOf[shop.StockMoved](f)...), versionsOf[shop.Category](f)...)
	for i, v := range all {
		for _, sample := range samples(v.writer.root) {
			f.Add(uint8(i), sample)
			f.Add(uint8(i), binary.AppendVarint(sample, 1))
			f.Add(uint8(i), sample[:len(sample)/2])
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		v := all[int(which)%len(all)]
		if used := allocated(func() { v.decode(t, data) }); used > uint64(1<<20+4096*len(data)) {
			t.Fatalf("%d bytes made it allocate %d", len(data), used)
		}
	})
}
