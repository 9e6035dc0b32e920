package server

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/troupe-go/troupe/schema"
)

// proposal is a schema that a request brings.
type proposal struct {
	Schema     string          `json:"schema"`
	SchemaType string          `json:"schemaType"`
	References []reference     `json:"references"`
	ID         int             `json:"id"`
	Version    int             `json:"version"`
	Metadata   json.RawMessage `json:"metadata"`
	RuleSet    json.RawMessage `json:"ruleSet"`
}

func decodeProposal(r *request) (proposal, error) {
	var p proposal
	if err := r.decode(&p); err != nil {
		return p, err
	}
	switch {
	case r.subject() == "", strings.ContainsFunc(r.subject(), unicode.IsControl):
		return p, unprocessable(42208, "The specified subject '%s' is not a valid.", r.subject())
	case p.SchemaType != "" && p.SchemaType != avro:
		return p, errInvalidSchema("Invalid schema: this registry keeps AVRO, not %s", p.SchemaType)
	case strings.TrimSpace(p.Schema) == "":
		return p, errInvalidSchema("Empty schema")
	case given(p.RuleSet):
		return p, unprocessable(42210, "Invalid ruleset: this registry keeps no rules")
	case given(p.Metadata):
		return p, errInvalidSchema("Invalid schema: this registry keeps no metadata")
	}
	return p, nil
}

func given(v json.RawMessage) bool { return len(v) > 0 && string(v) != "null" }

// parseProposal parses the schema, and makes references to the latest version
// references to its number.
func (st *store) parseProposal(p proposal) (*schema.Schema, error) {
	for i, ref := range p.References {
		versions := st.live(ref.Subject, false)
		if ref.Version == latest && len(versions) > 0 {
			p.References[i].Version = versions[len(versions)-1].number
		}
	}
	parsed, err := st.parse(schema.Parse, p.Schema, p.References)
	if err != nil {
		return nil, errInvalidSchema("Invalid schema: %v", err)
	}
	return parsed, nil
}

func (s *Server) register(r *request) (any, error) {
	p, err := decodeProposal(r)
	if err != nil {
		return nil, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	parsed, err := s.store.parseProposal(p)
	if err != nil {
		return nil, err
	}
	name := r.subject()
	if v, ok := newest(s.store.live(name, false), parsed); ok {
		return registered(r, use{name, v}), nil
	}
	place, err := s.place(name, p, parsed)
	if err != nil {
		return nil, err
	}
	place.parsed = parsed
	if e := s.store.schemas[place.ID]; e == nil || e.file {
		place.Schema, place.References = p.Schema, p.References
	}
	if err := s.store.commit(change{Register: place}); err != nil {
		return nil, err
	}
	v, _ := newest(s.store.live(name, false), parsed)
	return registered(r, use{name, v}), nil
}

// registered is the answer of Confluent Platform 8; older ones have the id alone.
func registered(r *request, u use) schemaAnswer {
	a := show(r, u)
	a.Subject = ""
	return a
}

// place finds the id and version of a schema that its subject doesn't have, if it may have it.
func (s *Server) place(name string, p proposal, parsed *schema.Schema) (*registration, error) {
	if err := s.store.mayChange(name); err != nil {
		return nil, err
	}
	switch {
	case s.store.mode(name) == importing:
		return s.store.importPlace(name, p, parsed)
	case p.ID > 0:
		return nil, errNotPermitted("Subject %s is not in import mode", name)
	}
	if err := s.mayFollow(name, parsed); err != nil {
		return nil, err
	}
	number, err := s.store.next(name)
	if err != nil {
		return nil, err
	}
	if p.Version > 0 && p.Version != number {
		return nil, errInvalidSchema("Version is not one more than previous version: the next one is %d", number)
	}
	return &registration{Subject: name, Version: number, ID: s.store.idFor(parsed)}, nil
}

// idFor returns the id of a schema, the next free one when it has none.
func (st *store) idFor(s *schema.Schema) int {
	if e := st.texts[s.String()]; e != nil {
		return e.id
	}
	id := st.lastID
	for {
		if id = id%math.MaxInt32 + 1; st.schemas[id] == nil {
			return id
		}
	}
}

// importPlace takes the id and version that the request names: this is how
// schemas of another registry are taken over, unchecked.
func (st *store) importPlace(name string, p proposal, parsed *schema.Schema) (*registration, error) {
	if p.ID <= 0 || p.ID > math.MaxInt32 {
		return nil, errNotPermitted("Subject %s is in import mode: the request must name the schema's id", name)
	}
	if known := st.texts[parsed.String()]; known != nil && known.id != p.ID {
		return nil, errNotPermitted("The schema has the id %d already, not %d", known.id, p.ID)
	}
	if e := st.schemas[p.ID]; e != nil && st.texts[parsed.String()] == nil {
		return nil, errNotPermitted("Overwrite new schema with id %d is not permitted.", p.ID)
	}
	number, err := st.next(name)
	if err != nil {
		return nil, err
	}
	if p.Version > math.MaxInt32 {
		return nil, errInvalidVersion(strconv.Itoa(p.Version))
	}
	if p.Version > 0 {
		number = p.Version
	}
	if slices.ContainsFunc(st.live(name, true), func(v version) bool { return v.number == number }) {
		return nil, errNotPermitted("Subject %s has a version %d already", name, number)
	}
	return &registration{Subject: name, Version: number, ID: p.ID}, nil
}
