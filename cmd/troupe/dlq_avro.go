package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/schema"
)

// errNoRegistry says why a value is not decoded when nobody named a registry.
var errNoRegistry = errors.New("no registry: set TROUPE_REGISTRY or --registry")

// decodedValue is a record's value.
type decodedValue struct {
	// name is the full name of its type.
	name string
	// data is Avro's JSON encoding, see schema.Schema.AppendJSON.
	data json.RawMessage
	// readable is data with logical types as people write them.
	readable json.RawMessage
}

// decodeValue decodes the value of a record with the schema that it names.
func decodeValue(ctx context.Context, registry troupe.Registry, r *event.Record) (v decodedValue, err error) {
	_, ref, raw, err := wire.Decode(r)
	if err != nil {
		return v, err
	}
	if registry.URL == "" {
		return v, errNoRegistry
	}
	client, err := schema.NewClient(registry, schema.ClientConfig{})
	if err != nil {
		return v, err
	}
	defer client.Close()
	var s *schema.Schema
	if ref.IsGUID() {
		s, err = client.ByGUID(ctx, ref.GUID)
	} else {
		s, err = client.ByID(ctx, ref.ID)
	}
	if err != nil {
		return v, err
	}
	v.name = s.FullName()
	if v.data, err = s.AppendJSON(nil, raw, schema.Limits{}); err == nil {
		v.readable, err = s.AppendReadable(nil, raw, schema.Limits{})
	}
	return v, err
}
