package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/schema"
)

// store is everything a registry knows. It changes only by apply, so that the
// journal of changes is the registry, but for what is kept in files.
type store struct {
	mu       sync.RWMutex
	schemas  map[int]*entry    // the first with each id, also those that no version has any more
	texts    map[string]*entry // by the schema's String
	guids    map[string]*entry
	subjects map[string]*subject
	level    schema.Mode
	levels   map[string]string // by subject; "" is the global one
	modes    map[string]string
	lastID   int                      // that was given here
	inFiles  map[place]*schema.Schema // while the journal is read: what it may refer to
	journal  *journal                 // nil: nothing is kept
	log      *slog.Logger
}

// entry is a schema and its ids. Entries from files share an id where their schemas are Equal.
type entry struct {
	id     int
	guid   string
	text   string
	refs   []reference
	schema *schema.Schema
	file   bool
	uses   int // versions that have this entry, soft-deleted ones too, and files that had it
}

type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

type subject struct {
	versions []version // by number, at least one
	file     bool      // they are files, which don't change here
}

type version struct {
	*entry
	number  int
	deleted bool
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
	Schema     string      `json:"schema,omitempty"` // empty when the journal has the id
	References []reference `json:"references,omitempty"`

	parsed *schema.Schema // nil when the id says it
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

// openStore returns what the journal and the files hold, or an empty store.
func openStore(cfg Config) (*store, error) {
	level, err := schema.ParseMode(string(cfg.Level))
	if err != nil {
		return nil, err
	}
	st := &store{
		schemas: map[int]*entry{}, texts: map[string]*entry{}, guids: map[string]*entry{}, subjects: map[string]*subject{},
		level: level, levels: map[string]string{"": string(level)}, modes: map[string]string{"": readWrite}, log: cfg.Log,
	}
	var files []fileSubject
	if cfg.Directory != "" { // the files may be in it
		if err := os.MkdirAll(cfg.Directory, 0o755); err != nil {
			return nil, err
		}
	}
	if cfg.Files != "" {
		if files, err = readFiles(cfg.Files); err != nil {
			return nil, err
		}
	}
	if cfg.Directory != "" {
		st.inFiles = places(files)
		if st.journal, err = openJournal(cfg.Directory, st.replay); err != nil {
			return nil, err
		}
		st.inFiles = nil
	}
	if err := st.mayHave(files); err != nil {
		return nil, errors.Join(err, st.close())
	}
	st.setFiles(files)
	return st, nil
}

func (st *store) replay(c change) error {
	if r := c.Register; r != nil && (r.Schema != "" || st.schemas[r.ID] == nil) {
		var err error
		// What an earlier release took is not refused by rules that came later.
		if r.parsed, err = st.parse(schema.ParseStored, r.Schema, r.References); err != nil {
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
	c.log(st.log)
	return nil
}

// log says what a change was.
func (c change) log(l *slog.Logger) {
	switch {
	case c.Register != nil:
		l.Info("registered", "subject", c.Register.Subject, "version", c.Register.Version, "id", c.Register.ID)
	case c.Delete != nil:
		l.Info("deleted", "subject", c.Delete.Subject, "versions", c.Delete.Versions, "permanent", c.Delete.Permanent)
	case c.Level != nil:
		c.Level.log(l, "compatibility level", "level")
	case c.Mode != nil:
		c.Mode.log(l, "mode", "mode")
	}
}

func (s *setting) log(l *slog.Logger, what, name string) {
	subject := or(s.Subject, "all subjects")
	if s.Value == "" {
		l.Info("took away the "+what, "subject", subject)
		return
	}
	l.Info("set the "+what, "subject", subject, name, s.Value)
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
		set(st.levels, *c.Level, string(st.level))
	case c.Mode != nil:
		set(st.modes, *c.Mode, readWrite)
	}
}

// set sets or takes away; what is taken away from all subjects is the default again.
func set(settings map[string]string, s setting, byDefault string) {
	switch {
	case s.Value != "":
		settings[s.Subject] = s.Value
	case s.Subject == "":
		settings[""] = byDefault
	default:
		delete(settings, s.Subject)
	}
}

func (st *store) applyRegistration(r *registration) {
	e := st.schemas[r.ID]
	if r.parsed != nil {
		e = st.entry(r.ID, r.Schema, r.References, r.parsed)
	}
	st.lastID = max(st.lastID, r.ID)
	s := st.subjects[r.Subject]
	if s == nil {
		s = &subject{}
		st.subjects[r.Subject] = s
	}
	s.insert(version{entry: e, number: r.Version})
}

// entry returns the entry of a schema with an id, a new one if there is none.
func (st *store) entry(id int, text string, refs []reference, parsed *schema.Schema) *entry {
	whole := parsed.String()
	if e := st.texts[whole]; e != nil && e.id == id {
		return e
	}
	e := &entry{id: id, text: text, refs: refs, schema: parsed, guid: uuid.NewHash(sha256.New(), uuid.Nil, []byte(whole), 8).String()}
	if st.schemas[id] == nil {
		st.schemas[id] = e
	}
	st.texts[whole], st.guids[e.guid] = e, e
	return e
}

func (s *subject) insert(v version) {
	at, _ := slices.BinarySearchFunc(s.versions, v.number, func(v version, n int) int { return v.number - n })
	s.versions = slices.Insert(s.versions, at, v)
	v.uses++
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
				v.uses--
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
			if is(v.entry) {
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
func (st *store) parse(parse func(string, ...*schema.Schema) (*schema.Schema, error), text string, refs []reference) (*schema.Schema, error) {
	parsed := make([]*schema.Schema, len(refs))
	for i, ref := range refs {
		versions := st.live(ref.Subject, true)
		at := slices.IndexFunc(versions, func(v version) bool { return v.number == ref.Version })
		if file := st.inFiles[place{ref.Subject, ref.Version}]; at < 0 && file != nil {
			parsed[i] = file
			continue
		}
		if at < 0 {
			return nil, fmt.Errorf("no schema reference found for subject %q and version %d", ref.Subject, ref.Version)
		}
		parsed[i] = versions[at].schema
	}
	return parse(text, parsed...)
}

// levelOf returns the compatibility level that holds for a subject.
func (st *store) levelOf(subject string) schema.Mode {
	return schema.Mode(effective(st.levels, subject))
}

// mode returns the mode that holds for a subject.
func (st *store) mode(subject string) string { return effective(st.modes, subject) }

func effective(settings map[string]string, subject string) string {
	if v, ok := settings[subject]; ok {
		return v
	}
	return settings[""]
}
