package server

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

const (
	readWrite = "READWRITE"
	importing = "IMPORT"
)

var modes = []string{readWrite, "READONLY", "READONLY_OVERRIDE", importing}

func readOnly(mode string) bool { return mode == "READONLY" || mode == "READONLY_OVERRIDE" }

type levelAnswer struct {
	Level string `json:"compatibilityLevel"`
}

type levelRequest struct {
	Level string `json:"compatibility"`
}

type modeAnswer struct {
	Mode string `json:"mode"`
}

func (s *Server) config(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	level, err := shown(r, s.store.levels, errNoLevel)
	return levelAnswer{level}, err
}

// shown is the setting of the subject in the path, or of all when there is none in it.
func shown(r *request, settings map[string]string, unset func(string) error) (string, error) {
	v, ok := settings[r.subject()]
	if !ok && r.flag("defaultToGlobal") {
		v, ok = settings[""]
	}
	if !ok {
		return "", unset(r.subject())
	}
	return v, nil
}

func (s *Server) setConfig(r *request) (any, error) {
	var all map[string]json.RawMessage
	if err := r.decode(&all); err != nil {
		return nil, err
	}
	for name, value := range all {
		if name != "compatibility" && name != "normalize" && given(value) { // schemas are always compared normalised
			return nil, unprocessable(422, "This registry does not know the setting %q", name)
		}
	}
	var asked levelRequest
	if err := json.Unmarshal(all["compatibility"], &asked.Level); err != nil {
		return nil, errInvalidLevel()
	}
	level, err := schema.ParseMode(asked.Level)
	if err != nil {
		return nil, errInvalidLevel()
	}
	asked.Level = string(level)
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return asked, s.store.commit(change{Level: &setting{r.subject(), asked.Level}})
}

// resetConfig answers the level that was in force, under both names: clients differ in which one they read.
func (s *Server) resetConfig(r *request) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	level, err := shown(r, s.store.levels, errNoLevel)
	if err != nil {
		return nil, err
	}
	return struct {
		levelAnswer
		levelRequest
	}{levelAnswer{level}, levelRequest{level}}, s.store.commit(change{Level: &setting{Subject: r.subject()}})
}

func (s *Server) mode(r *request) (any, error) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	mode, err := shown(r, s.store.modes, errNoMode)
	return modeAnswer{mode}, err
}

// setMode sets the mode. IMPORT is for subjects that are empty, unless force is set.
func (s *Server) setMode(r *request) (any, error) {
	var asked modeAnswer
	if err := r.decode(&asked); err != nil {
		return nil, err
	}
	asked.Mode = strings.ToUpper(asked.Mode)
	if !slices.Contains(modes, asked.Mode) {
		return nil, unprocessable(42204, "Invalid mode. Valid values are %s", strings.Join(modes, ", "))
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if err := s.store.mayChangeMode(r.subject()); err != nil {
		return nil, err
	}
	if asked.Mode == importing && !r.flag("force") {
		if holds := s.store.holding(r.subject()); holds != "" {
			return nil, errNotPermitted("Cannot import since found existing subjects: %s", holds)
		}
	}
	return asked, s.store.commit(change{Mode: &setting{r.subject(), asked.Mode}})
}

// holding says which subjects among the one named, or all, have versions.
func (st *store) holding(subject string) string {
	if subject == "" {
		return strings.Join(st.names(false), ", ")
	}
	if n := len(st.live(subject, false)); n > 0 {
		return fmt.Sprintf("%s with %d versions", subject, n)
	}
	return ""
}

func (s *Server) resetMode(r *request) (any, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	mode, err := shown(r, s.store.modes, errNoMode)
	if err != nil {
		return nil, err
	}
	if err := s.store.mayChangeMode(r.subject()); err != nil {
		return nil, err
	}
	return modeAnswer{mode}, s.store.commit(change{Mode: &setting{Subject: r.subject()}})
}
