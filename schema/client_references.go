package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"
)

// mostReferences bounds how many schemas one schema may pull in, directly and through others.
const mostReferences = 1_000

// parse parses a schema as the registry returned it, after the schemas that it refers to.
func (c *Client) parse(ctx context.Context, what string, text sr.Schema) (*Schema, error) {
	r := &references{client: c, parsed: map[reference]*Schema{}}
	return r.parse(ctx, what, text)
}

type reference struct {
	subject string
	version int
}

func (r reference) String() string { return fmt.Sprintf("subject %q version %d", r.subject, r.version) }

// references resolves the references of one schema, each once.
type references struct {
	client *Client
	path   []reference // from the schema that was asked for to the one being parsed
	parsed map[reference]*Schema
}

func (r *references) parse(ctx context.Context, what string, text sr.Schema) (*Schema, error) {
	if text.Type != sr.TypeAvro {
		return nil, r.unusable(what, "it is %s, not Avro", text.Type)
	}
	refs := make([]*Schema, len(text.References))
	for i, ref := range text.References {
		var err error
		if refs[i], err = r.resolve(ctx, reference{ref.Subject, ref.Version}); err != nil {
			return nil, fmt.Errorf("%s refers to %q: %w", what, ref.Name, err)
		}
	}
	s, err := ParseStored(text.Schema, refs...)
	if err != nil {
		return nil, fmt.Errorf("%s in schema registry %s: %w", what, r.client.name, err)
	}
	return s, nil
}

// unusable says that what the registry holds is no schema, which asking again does not change.
func (r *references) unusable(what, format string, args ...any) error {
	return fmt.Errorf("%s in schema registry %s: %w", what, r.client.name,
		&ParseError{Position: Position{Line: 1, Column: 1}, Problem: fmt.Sprintf(format, args...)})
}

func (r *references) resolve(ctx context.Context, ref reference) (*Schema, error) {
	if s, ok := r.parsed[ref]; ok {
		return s, nil
	}
	if v, _, ok := r.client.cache.numbers.get(ref); ok {
		r.parsed[ref] = v.Schema
		return v.Schema, nil
	}
	for i, above := range r.path {
		if above == ref {
			return nil, r.unusable(ref.String(), "its references are a cycle: %s", cycle(append(r.path[i:], ref)))
		}
	}
	if len(r.path)+len(r.parsed) >= mostReferences {
		return nil, r.unusable(ref.String(), "more than %d references", mostReferences)
	}
	got, err := r.client.api.SchemaByVersion(ctx, ref.subject, ref.version)
	if err != nil {
		return nil, r.client.readError(ref.String(), err)
	}
	r.path = append(r.path, ref)
	s, err := r.parse(ctx, ref.String(), got.Schema)
	r.path = r.path[:len(r.path)-1]
	if err != nil {
		return nil, err
	}
	r.parsed[ref] = s
	if got.ID != 0 {
		r.client.cache.learn(Version{Subject: ref.subject, Version: ref.version, ID: got.ID, Schema: s})
	}
	return s, nil
}

func cycle(path []reference) string {
	names := make([]string, len(path))
	for i, ref := range path {
		names[i] = ref.String()
	}
	return strings.Join(names, " -> ")
}
