package schema

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"
)

// Memory is a Registry within this process, for tests and for programs that
// are their own readers. Ids count from 1 in the order of registration. It takes every
// schema: it checks no compatibility. The zero value is empty and ready.
type Memory struct {
	mu       sync.RWMutex
	schemas  []*Schema // the schema of id is at id-1
	ids      map[string]int
	guids    map[[16]byte]int
	subjects map[string][]Version
}

var _ Registry = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{} }

// ByID returns the schema of an id.
func (m *Memory) ByID(_ context.Context, id int) (*Schema, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if id < 1 || id > len(m.schemas) {
		return nil, &NotFoundError{What: fmt.Sprintf("schema %d in the memory registry", id)}
	}
	return m.schemas[id-1], nil
}

// ByGUID returns the schema of a GUID, which is a hash of the schema's text.
func (m *Memory) ByGUID(_ context.Context, guid [16]byte) (*Schema, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	id, ok := m.guids[guid]
	if !ok {
		return nil, &NotFoundError{What: fmt.Sprintf("schema %s in the memory registry", uuid.UUID(guid))}
	}
	return m.schemas[id-1], nil
}

// Lookup returns the version under which a subject has s.
func (m *Memory) Lookup(ctx context.Context, subject string, s *Schema) (Version, error) {
	versions, err := m.Versions(ctx, subject)
	if err != nil {
		return Version{}, err
	}
	v, ok := find(versions, s)
	if !ok {
		return Version{}, &NotFoundError{What: fmt.Sprintf("the schema under subject %q in the memory registry", subject)}
	}
	return v, nil
}

// Register adds s to a subject. It fails only for a subject without a name.
func (m *Memory) Register(_ context.Context, subject string, s *Schema) (Version, error) {
	if subject == "" {
		return Version{}, errNoSubject
	}
	text := s.String()
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := m.subjects[subject]
	id, known := m.ids[text]
	if known {
		for _, v := range versions {
			if v.ID == id {
				return v, nil
			}
		}
	} else {
		id = m.add(s, text)
	}
	v := Version{Subject: subject, Version: len(versions) + 1, ID: id, Schema: m.schemas[id-1]}
	m.subjects[subject] = append(versions, v)
	return v, nil
}

func (m *Memory) add(s *Schema, text string) int {
	if m.ids == nil {
		m.ids, m.guids, m.subjects = map[string]int{}, map[[16]byte]int{}, map[string][]Version{}
	}
	m.schemas = append(m.schemas, s)
	id := len(m.schemas)
	m.ids[text] = id
	m.guids[uuid.NewHash(sha256.New(), uuid.Nil, []byte(text), 8)] = id
	return id
}

// Versions returns a subject's versions, oldest first.
func (m *Memory) Versions(_ context.Context, subject string) ([]Version, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	versions := m.subjects[subject]
	if len(versions) == 0 {
		return nil, &NotFoundError{What: fmt.Sprintf("subject %q in the memory registry", subject)}
	}
	return slices.Clone(versions), nil
}

// Latest returns a subject's newest version.
func (m *Memory) Latest(ctx context.Context, subject string) (Version, error) {
	versions, err := m.Versions(ctx, subject)
	if err != nil {
		return Version{}, err
	}
	return versions[len(versions)-1], nil
}
