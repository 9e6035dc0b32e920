package server

import (
	"fmt"
	"slices"

	"github.com/troupe-go/troupe/schema"
)

// mayFollow returns an error unless a schema may become the next version of a subject.
func (s *Server) mayFollow(name string, candidate *schema.Schema) error {
	level := s.store.levelOf(name)
	if reasons := check(candidate, s.store.live(name, false), level); len(reasons) > 0 {
		s.cfg.Log.Info("refused as incompatible", "subject", name, "level", level)
		return errIncompatible(name, reasons)
	}
	return nil
}

// check says why candidate breaks against the versions that a level asks about, in the
// form that clients know from Confluent's registry: a line for each violation, behind those of a
// version its number and text, at the end the level.
func check(candidate *schema.Schema, versions []version, level schema.Mode) []string {
	history := make([]*schema.Schema, len(versions))
	for i, v := range versions {
		history[i] = v.schema
	}
	breaks := level.Check(candidate, history)
	if len(breaks) == 0 {
		return nil
	}
	var said reasons
	for i, b := range breaks {
		old := versions[b.Version]
		said.mismatch(b, old.number)
		if i+1 == len(breaks) || breaks[i+1].Version != b.Version {
			said.version(old)
		}
	}
	return said.end(level)
}

// What there is to say has no bound, an answer has one.
const (
	maxReasons    = 1000
	maxSchemaText = 10 << 10
)

// reasons are the lines of a verdict.
type reasons struct {
	lines    []string
	unlisted int
}

func (r *reasons) mismatch(b schema.Break, version int) {
	if err := b.Mismatch.Err; err != nil {
		r.add("UNREADABLE", direction(b, version)+err.Error(), "")
	}
	for _, v := range b.Mismatch.Violations {
		r.add(string(v.Rule), fmt.Sprintf("%sat path '%s' (%s), %s", direction(b, version), or(v.Path, "/"), v.Field, v.Problem()),
			fmt.Sprintf("reader: %s, writer: %s", or(v.Reader.Type, "nothing"), or(v.Writer.Type, "nothing")))
	}
}

func direction(b schema.Break, version int) string {
	if b.OldReads {
		return fmt.Sprintf("Version %d cannot read what the new schema writes: ", version)
	}
	return fmt.Sprintf("The new schema cannot read what version %d wrote: ", version)
}

func (r *reasons) add(rule, description, more string) {
	if len(r.lines) >= maxReasons {
		r.unlisted++
		return
	}
	r.lines = append(r.lines, fmt.Sprintf("{errorType:'%s', description:'%s', additionalInfo:'%s'}", rule, description, more))
}

func (r *reasons) version(v version) {
	if len(r.lines) >= maxReasons {
		return
	}
	r.lines = append(r.lines, fmt.Sprintf("{oldSchemaVersion: %d}", v.number))
	if len(v.text) > maxSchemaText {
		r.lines = append(r.lines, fmt.Sprintf("{oldSchema: <truncated> '%s...'}", v.text[:maxSchemaText]))
		return
	}
	r.lines = append(r.lines, fmt.Sprintf("{oldSchema: '%s'}", v.text))
}

func (r *reasons) end(level schema.Mode) []string {
	if r.unlisted > 0 {
		r.lines = append(r.lines, fmt.Sprintf("{unlisted: %d}", r.unlisted))
	}
	return append(r.lines, fmt.Sprintf("{compatibility: '%s'}", level))
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

type verdict struct {
	Compatible bool      `json:"is_compatible"`
	Messages   *[]string `json:"messages,omitempty"`
}

// checkVersion compares with one version. With the latest of a subject that has none, everything is
// compatible: it would be the first one.
func (s *Server) checkVersion(r *request) (any, error) {
	return s.compatibility(r, func() ([]version, error) {
		number, err := parseVersion(r.PathValue("version"))
		if err != nil {
			return nil, err
		}
		versions := s.store.live(r.subject(), false)
		if number == latest {
			return versions[max(len(versions)-1, 0):], nil
		}
		at := slices.IndexFunc(versions, func(v version) bool { return v.number == number })
		if at < 0 {
			return nil, errVersion(number)
		}
		return versions[at : at+1], nil
	})
}

// checkVersions compares with the versions that the subject's level asks about, if there are any.
func (s *Server) checkVersions(r *request) (any, error) {
	return s.compatibility(r, func() ([]version, error) { return s.store.live(r.subject(), false), nil })
}

func (s *Server) compatibility(r *request, versions func() ([]version, error)) (any, error) {
	p, err := decodeProposal(r)
	if err != nil {
		return nil, err
	}
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	against, err := versions()
	if err != nil {
		return nil, err
	}
	candidate, err := s.store.parseProposal(p)
	if err != nil {
		return nil, err
	}
	reasons := check(candidate, against, s.store.levelOf(r.subject()))
	v := verdict{Compatible: len(reasons) == 0}
	if r.flag("verbose") {
		messages := append([]string{}, reasons...)
		v.Messages = &messages
	}
	return v, nil
}
