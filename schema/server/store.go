package server

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/schema"
)

// store is everything a registry knows. It changes only by apply, so that the
// journal of changes is the registry.
type store struct {
	mu       sync.RWMutex
	schemas  map[int]*entry // also those that no version has any more
	ids      map[string]int // by the schema's String
	guids    map[string]int
	subjects map[string]*subject
	levels   map[string]string // by subject; "" is the global one
	modes    map[string]string
	lastID   int
	journal  *journal // nil: nothing is kept
}

// entry is a schema and its ids.
type entry struct {
	id     int
	guid   string
	text   string
	refs   []reference
	schema *schema.Schema
	uses   int // versions that have this id, soft-deleted ones too
}

type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

type subject struct{ versions []version } // by number, at least one

type version struct {
	number, id int
	deleted    bool
}

// change is a line of the journal: one of its parts.
type change struct {
	Register *registration `json:"register,omitempty"`
	Delete   *deletion     `json:"delete,omitempty"`
	Level    *setting      `json:"level,omitempty"`
	Mode     *setting      `json:"mode,omitempty"`
}

type registration struct {
	Subject    string      `json:"subject"`
	Version    int         `json:"version"`
	ID         int         `json:"id"`
	Schema     string      `json:"schema,omitempty"` // empty when the id is known
	References []reference `json:"references,omitempty"`

	parsed *schema.Schema
}

type deletion struct {
	Subject   string `json:"subject"`
	Versions  []int  `json:"versions"`
	Permanent bool   `json:"permanent,omitempty"`
}

// setting is the level or mode of a subject, of all subjects when it is "".
// The value "" takes the setting away.
type setting struct {
	Subject string `json:"subject,omitempty"`
	Value   string `json:"value,omitempty"`
}

// openStore returns what the journal in dir holds, or an empty store.
func openStore(dir, level string) (*store, error) {
	st := &store{
		schemas: map[int]*entry{}, ids: map[string]int{}, guids: map[string]int{}, subjects: map[string]*subject{},
		levels: map[string]string{"": level}, modes: map[string]string{"": readWrite},
	}
	if dir == "" {
		return st, nil
	}
	var err error
	st.journal, err = openJournal(dir, st.replay)
	return st, err
}

func (st *store) replay(c change) error {
	if r := c.Register; r != nil && st.schemas[r.ID] == nil {
		var err error
		if r.parsed, err = st.parse(r.Schema, r.References); err != nil {
			return fmt.Errorf("schema %d: %w", r.ID, err)
		}
	}
	st.apply(c)
	return nil
}

// commit makes a change durable, then true. The caller holds the lock.
func (st *store) commit(c change) error {
	if st.journal != nil {
		if err := st.journal.append(c); err != nil {
			return fmt.Errorf("the change could not be kept: %w", err)
		}
	}
	st.apply(c)
	return nil
}

func (st *store) close() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.journal == nil {
		return nil
	}
	return st.journal.close()
}

func (st *store) apply(c change) {
	switch {
	case c.Register != nil:
		st.applyRegistration(c.Register)
	case c.Delete != nil:
		st.applyDeletion(c.Delete)
	case c.Level != nil:
		set(st.levels, *c.Level)
	case c.Mode != nil:
		set(st.modes, *c.Mode)
	}
}

func set(settings map[string]string, s setting) {
	if s.Value == "" {
		delete(settings, s.Subject)
		return
	}
	settings[s.Subject] = s.Value
}

func (st *store) applyRegistration(r *registration) {
	if st.schemas[r.ID] == nil {
		text := r.parsed.String()
		e := &entry{id: r.ID, text: r.Schema, refs: r.References, schema: r.parsed,
			guid: uuid.NewHash(sha256.New(), uuid.Nil, []byte(text), 8).String()}
		st.schemas[e.id], st.ids[text], st.guids[e.guid] = e, e.id, e.id
		st.lastID = max(st.lastID, e.id)
	}
	s := st.subjects[r.Subject]
	if s == nil {
		s = &subject{}
		st.subjects[r.Subject] = s
	}
	at, _ := slices.BinarySearchFunc(s.versions, r.Version, func(v version, n int) int { return v.number - n })
	s.versions = slices.Insert(s.versions, at, version{number: r.Version, id: r.ID})
	st.schemas[r.ID].uses++
}

func (st *store) applyDeletion(d *deletion) {
	s := st.subjects[d.Subject]
	if s == nil {
		return
	}
	if d.Permanent {
		s.versions = slices.DeleteFunc(s.versions, func(v version) bool {
			gone := slices.Contains(d.Versions, v.number)
			if gone {
				st.schemas[v.id].uses--
			}
			return gone
		})
		if len(s.versions) == 0 {
			delete(st.subjects, d.Subject)
		}
	} else {
		for i, v := range s.versions {
			s.versions[i].deleted = v.deleted || slices.Contains(d.Versions, v.number)
		}
	}
	if !s.alive() { // a subject that is gone has no settings either
		delete(st.levels, d.Subject)
		delete(st.modes, d.Subject)
	}
}

func (s *subject) alive() bool {
	return slices.ContainsFunc(s.versions, func(v version) bool { return !v.deleted })
}

// live returns the versions of a subject, with those that were soft-deleted when deleted is set.
func (st *store) live(name string, deleted bool) []version {
	s := st.subjects[name]
	if s == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.versions), func(v version) bool { return v.deleted && !deleted })
}

// names returns the subjects that have such versions, in order.
func (st *store) names(deleted bool) []string {
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(st.subjects)) {
		if deleted || st.subjects[name].alive() {
			names = append(names, name)
		}
	}
	return names
}

// use is a version of a subject.
type use struct {
	subject string
	version
}

// uses yields the versions that an entry satisfies, by subject and number.
func (st *store) uses(deleted bool, is func(*entry) bool) []use {
	var all []use
	for _, name := range st.names(deleted) {
		for _, v := range st.live(name, deleted) {
			if is(st.schemas[v.id]) {
				all = append(all, use{name, v})
			}
		}
	}
	return all
}

// byID returns the schema of an id that a version has, be it soft-deleted.
func (st *store) byID(id int) (*entry, bool) {
	e := st.schemas[id]
	return e, e != nil && e.uses > 0
}

// parse parses a schema with what it refers to, soft-deleted versions included.
func (st *store) parse(text string, refs []reference) (*schema.Schema, error) {
	parsed := make([]*schema.Schema, len(refs))
	for i, ref := range refs {
		versions := st.live(ref.Subject, true)
		at := slices.IndexFunc(versions, func(v version) bool { return v.number == ref.Version })
		if at < 0 {
			return nil, fmt.Errorf("no schema reference found for subject %q and version %d", ref.Subject, ref.Version)
		}
		parsed[i] = st.schemas[versions[at].id].schema
	}
	return schema.Parse(text, parsed...)
}

// level returns the compatibility level that holds for a subject.
func (st *store) level(subject string) string { return effective(st.levels, subject) }

// mode returns the mode that holds for a subject.
func (st *store) mode(subject string) string { return effective(st.modes, subject) }

func effective(settings map[string]string, subject string) string {
	if v, ok := settings[subject]; ok {
		return v
	}
	return settings[""]
}
