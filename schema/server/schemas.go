package server

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// schemaAnswer is a schema as the API shows it. schemaType is left out, which means Avro.
type schemaAnswer struct {
	Subject    string      `json:"subject,omitempty"`
	Version    int         `json:"version,omitempty"`
	ID         int         `json:"id,omitempty"`
	GUID       string      `json:"guid,omitempty"`
	Schema     string      `json:"schema"`
	References []reference `json:"references,omitempty"`
	MaxID      int         `json:"maxId,omitempty"`
	Deleted    bool        `json:"deleted,omitempty"`
}

// show is the text of an entry as registered, or without references when the request asks for it resolved.
func (e *entry) show(r *request) schemaAnswer {
	if r.URL.Query().Get("format") == "resolved" {
		return schemaAnswer{GUID: e.guid, Schema: e.schema.String()}
	}
	return schemaAnswer{GUID: e.guid, Schema: e.text, References: e.refs}
}

func show(r *request, u use) schemaAnswer {
	a := u.show(r)
	a.Subject, a.Version, a.ID, a.Deleted = u.subject, u.number, u.id, u.deleted
	return a
}

func (s *Server) schemaByID(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	e, err := s.entry(r)
	if err != nil {
		return nil, err
	}
	a := e.show(r)
	if r.flag("fetchMaxId") {
		a.MaxID = s.store.maxID()
	}
	return a, nil
}

func (s *Server) textByID(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	e, err := s.entry(r)
	if err != nil {
		return nil, err
	}
	return raw(e.show(r).Schema), nil
}

// entry is the schema whose id is in the path.
func (s *Server) entry(r *request) (*entry, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return nil, notFound(404, "HTTP 404 Not Found")
	}
	e, ok := s.store.byID(id)
	if !ok {
		return nil, errSchemaID(id)
	}
	return e, nil
}

func (s *Server) subjectsByID(r *request) (any, error) {
	uses, err := s.usesByID(r)
	subjects := make([]string, len(uses))
	for i, u := range uses {
		subjects[i] = u.subject
	}
	return page(r, slices.Compact(subjects)), err
}

type subjectVersion struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

func (s *Server) versionsByID(r *request) (any, error) {
	uses, err := s.usesByID(r)
	versions := make([]subjectVersion, len(uses))
	for i, u := range uses {
		versions[i] = subjectVersion{u.subject, u.number}
	}
	return page(r, versions), err
}

func (s *Server) usesByID(r *request) ([]use, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	e, err := s.entry(r)
	if err != nil {
		return nil, err
	}
	subject := r.URL.Query().Get("subject")
	uses := s.store.uses(r.flag("deleted"), func(o *entry) bool { return o.id == e.id })
	return slices.DeleteFunc(uses, func(u use) bool { return subject != "" && u.subject != subject }), nil
}

func (s *Server) schemaByGUID(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	e, err := s.entryByGUID(r)
	if err != nil {
		return nil, err
	}
	return e.show(r), nil
}

func (s *Server) idsByGUID(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	e, err := s.entryByGUID(r)
	if err != nil {
		return nil, err
	}
	return []struct {
		Context string `json:"context"`
		ID      int    `json:"id"`
	}{{defaultContext, e.id}}, nil
}

func (s *Server) entryByGUID(r *request) (*entry, error) {
	guid, err := uuid.Parse(r.PathValue("guid"))
	if err == nil {
		if e := s.store.guids[guid.String()]; e != nil && e.uses > 0 {
			return e, nil
		}
	}
	return nil, notFound(40403, "Schema %s not found", r.PathValue("guid"))
}

func (s *Server) listSchemas(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	prefix, all := r.URL.Query().Get("subjectPrefix"), []schemaAnswer{}
	for _, name := range s.store.names(r.flag("deleted")) {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		versions := s.store.live(name, r.flag("deleted"))
		if r.flag("latestOnly") {
			versions = versions[len(versions)-1:]
		}
		for _, v := range versions {
			all = append(all, show(r, use{name, v}))
		}
	}
	return page(r, all), nil
}

// page returns the part of a list that offset and limit ask for.
func page[T any](r *request, all []T) []T {
	number := func(name string) int {
		n, _ := strconv.Atoi(r.URL.Query().Get(name)) // absent or not a number: no page
		return max(n, 0)
	}
	all = all[min(number("offset"), len(all)):]
	if limit := number("limit"); limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return all
}
