package server

import (
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

const none = "NONE"

var levels = []string{none, "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}

// mayFollow returns an error unless a schema may become the next version of a subject.
func (s *Server) mayFollow(name string, candidate *schema.Schema) error {
	level := s.store.level(name)
	if level == none {
		return nil
	}
	reasons, err := s.check(candidate, s.store.history(name, level), level)
	if err == nil && len(reasons) > 0 {
		err = errIncompatible(name, reasons)
	}
	return err
}

// history returns what a level asks about.
func (st *store) history(name, level string) []*schema.Schema {
	var all []*schema.Schema
	for _, v := range st.live(name, false) {
		all = append(all, st.schemas[v.id].schema)
	}
	if len(all) > 1 && !strings.HasSuffix(level, "_TRANSITIVE") {
		return all[len(all)-1:]
	}
	return all
}

// check returns why candidate breaks against history. The error says that nobody can tell.
func (s *Server) check(candidate *schema.Schema, history []*schema.Schema, level string) ([]string, error) {
	differs := func(old *schema.Schema) bool { return !old.Equal(candidate) }
	switch {
	case !slices.ContainsFunc(history, differs):
		return nil, nil
	case s.cfg.Check == nil:
		return nil, errUnchecked(level)
	case level == none: // somebody said that everything is compatible
		return nil, nil
	}
	return s.cfg.Check(candidate, history, level), nil
}

type verdict struct {
	Compatible bool      `json:"is_compatible"`
	Messages   *[]string `json:"messages,omitempty"`
}

// checkVersion compares with one version.
func (s *Server) checkVersion(r *request) (any, error) {
	return s.compatibility(r, func(string) ([]*schema.Schema, error) {
		v, err := s.store.find(r, false)
		if err != nil {
			return nil, err
		}
		return []*schema.Schema{s.store.schemas[v.id].schema}, nil
	})
}

// checkVersions compares with the versions that the subject's level asks about.
func (s *Server) checkVersions(r *request) (any, error) {
	return s.compatibility(r, func(level string) ([]*schema.Schema, error) {
		history := s.store.history(r.subject(), level)
		if len(history) == 0 {
			return nil, errSubject(r.subject())
		}
		return history, nil
	})
}

func (s *Server) compatibility(r *request, history func(level string) ([]*schema.Schema, error)) (any, error) {
	p, err := decodeProposal(r)
	if err != nil {
		return nil, err
	}
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	level := s.store.level(r.subject())
	against, err := history(level)
	if err != nil {
		return nil, err
	}
	candidate, err := s.store.parseProposal(p)
	if err != nil {
		return nil, err
	}
	reasons, err := s.check(candidate, against, level)
	if err != nil {
		return nil, err
	}
	v := verdict{Compatible: len(reasons) == 0}
	if r.flag("verbose") {
		messages := append([]string{}, reasons...)
		v.Messages = &messages
	}
	return v, nil
}
