package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/hamba/avro/v2"
)

// generatedText returns the complete JSON of a record's schema; hamba's String would drop
// defaults, aliases and docs.
func generatedText(r Record) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("its Schema method panicked: %v", p)
		}
	}()
	s := r.Schema()
	if s == nil {
		return "", errors.New("its Schema method returned nil")
	}
	if err := refuseByteDefaults(s, map[avro.Schema]bool{}); err != nil {
		return "", err
	}
	b, err := json.Marshal(s)
	return string(b), err
}

// refuseByteDefaults refuses a schema with a default of type bytes or fixed. avrogen writes
// those down as base64 and as an array of numbers: what the default was is
// lost in the generated code, and what it says now must not get into a registry.
func refuseByteDefaults(s avro.Schema, seen map[avro.Schema]bool) error {
	if seen[s] {
		return nil
	}
	seen[s] = true
	switch s := s.(type) {
	case *avro.RecordSchema:
		for _, f := range s.Fields() {
			if f.HasDefault() && holdsBytes(reflect.ValueOf(f.Default())) {
				return fmt.Errorf("field %s of %s has a default of type bytes or fixed, which avrogen does not keep: leave it out, or make it empty bytes", f.Name(), s.FullName())
			}
			if err := refuseByteDefaults(f.Type(), seen); err != nil {
				return err
			}
		}
	case *avro.RefSchema:
		return refuseByteDefaults(s.Schema(), seen)
	case *avro.ArraySchema:
		return refuseByteDefaults(s.Items(), seen)
	case *avro.MapSchema:
		return refuseByteDefaults(s.Values(), seen)
	case *avro.UnionSchema:
		for _, branch := range s.Types() {
			if err := refuseByteDefaults(branch, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// holdsBytes reports whether a default has bytes anywhere within.
func holdsBytes(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return holdsBytes(v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Len() > 0
		}
		for i := range v.Len() {
			if holdsBytes(v.Index(i)) {
				return true
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if holdsBytes(v.MapIndex(key)) {
				return true
			}
		}
	}
	return false
}
