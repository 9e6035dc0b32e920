package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/google/uuid"
)

// Directory is a Registry of files, made to be kept in git beside the code and to work offline:
//
//	<directory>/<subject>/<version>.avsc
//
// The version is a number from 1, without leading zeros; gaps are allowed. A subject's
// folder is its name escaped as one path segment (a / is %2F). Every file
// is complete in itself. A .avsc file with another name is an error, all else is ignored.
//
// An id is a hash of what decides how bytes are written: the canonical form and the logical
// types. It needs no file, so branches that add schemas never fight for
// numbers, and programs that share a schema agree on its id without having met. Adding files,
// and editing docs, defaults or aliases, changes no id. Any other edit of
// a file takes its id from events already written: add the next version instead.
//
// A Directory checks no compatibility. It looks for files that were added whenever it is asked
// for something that it doesn't know.
type Directory struct {
	files fs.FS
	path  string // "" means read-only
	name  string

	mu      sync.RWMutex
	current *shelf
}

var _ Registry = (*Directory)(nil)

// OpenDirectory returns the Directory at path, which must exist. It reads all files and reports
// everything that is wrong with them. Register writes files into it.
func OpenDirectory(path string) (*Directory, error) {
	return openDirectory(&Directory{files: os.DirFS(path), path: path, name: path})
}

// ReadDirectory returns a Directory that is read-only, such as one that go:embed
// put into the program: Register only finds what is there.
func ReadDirectory(files fs.FS) (*Directory, error) {
	return openDirectory(&Directory{files: files, name: "of files"})
}

func openDirectory(d *Directory) (*Directory, error) {
	shelf, err := readShelf(d.files, nil)
	if err != nil {
		return nil, fmt.Errorf("schema directory %s: %w", d.name, err)
	}
	d.current = shelf
	return d, nil
}

// ByID returns the schema of an id. Of schemas that are Equal, and so share the
// id, it is always the same one.
func (d *Directory) ByID(_ context.Context, id int) (*Schema, error) {
	return known(d, strconv.Itoa(id), func(s *shelf) (*Schema, bool) { v, ok := s.ids[id]; return v.Schema, ok })
}

// ByGUID returns the schema of a GUID, which is a longer part of the hash that ids are made of.
func (d *Directory) ByGUID(_ context.Context, guid [16]byte) (*Schema, error) {
	return known(d, uuid.UUID(guid).String(), func(s *shelf) (*Schema, bool) { v, ok := s.guids[guid]; return v, ok })
}

// known returns what get finds now or after reading the files again.
func known(d *Directory, what string, get func(*shelf) (*Schema, bool)) (*Schema, error) {
	if s, ok := get(d.shelf()); ok {
		return s, nil
	}
	shelf, err := d.read()
	if err != nil {
		return nil, err
	}
	if s, ok := get(shelf); ok {
		return s, nil
	}
	return nil, &NotFoundError{What: fmt.Sprintf("schema %s in schema directory %s", what, d.name)}
}

func (d *Directory) shelf() *shelf {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.current
}

// read reads the files that have changed.
func (d *Directory) read() (*shelf, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.readLocked()
}

func (d *Directory) readLocked() (*shelf, error) {
	shelf, err := readShelf(d.files, d.current)
	if err != nil {
		return nil, &UnavailableError{Registry: "directory " + d.name, Err: err}
	}
	d.current = shelf
	return shelf, nil
}

// Lookup returns the version under which a subject has s.
func (d *Directory) Lookup(_ context.Context, subject string, s *Schema) (Version, error) {
	if v, ok := find(d.shelf().subjects[subject], s); ok {
		return v, nil
	}
	shelf, err := d.read()
	if err != nil {
		return Version{}, err
	}
	v, ok := find(shelf.subjects[subject], s)
	if !ok {
		return Version{}, &NotFoundError{What: fmt.Sprintf("%s under subject %q in schema directory %s", nameOf(s), subject, d.name)}
	}
	return v, nil
}

// Versions returns a subject's versions, oldest first.
func (d *Directory) Versions(_ context.Context, subject string) ([]Version, error) {
	shelf, err := d.read()
	if err != nil {
		return nil, err
	}
	versions := shelf.subjects[subject]
	if len(versions) == 0 {
		return nil, &NotFoundError{What: fmt.Sprintf("subject %q in schema directory %s", subject, d.name)}
	}
	return slices.Clone(versions), nil
}

// Latest returns a subject's newest version.
func (d *Directory) Latest(ctx context.Context, subject string) (Version, error) {
	versions, err := d.Versions(ctx, subject)
	if err != nil {
		return Version{}, err
	}
	return versions[len(versions)-1], nil
}

// Register writes s into the next free file of the subject, whole or not at
// all, unless a version is s already. A read-only Directory refuses what it doesn't have.
func (d *Directory) Register(ctx context.Context, subject string, s *Schema) (Version, error) {
	if err := checkSubject(subject); err != nil {
		return Version{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		shelf, err := d.readLocked()
		if err != nil {
			return Version{}, err
		}
		versions := shelf.subjects[subject]
		if v, ok := find(versions, s); ok && v.Schema.String() == s.String() {
			return v, nil
		}
		if d.path == "" {
			return Version{}, fmt.Errorf("register under subject %q: schema directory %s is read-only and has no such schema", subject, d.name)
		}
		id, _ := DirectoryIDs(s)
		if other, taken := shelf.ids[id]; taken && !other.Schema.Equal(s) {
			return Version{}, fmt.Errorf("register under subject %q: %w", subject, errSameID(id, s, other))
		}
		next := 1
		if len(versions) > 0 {
			next = versions[len(versions)-1].Version + 1
		}
		err = writeSchema(filepath.Join(d.path, url.PathEscape(subject), strconv.Itoa(next)+extension), s)
		if err != nil && !errors.Is(err, fs.ErrExist) { // another process was faster: look again
			return Version{}, &UnavailableError{Registry: "directory " + d.name, Err: err}
		}
		if err := ctx.Err(); err != nil {
			return Version{}, &UnavailableError{Registry: "directory " + d.name, Err: err}
		}
	}
}

// writeSchema creates the file with all of its text; it never replaces one.
func writeSchema(path string, s *Schema) error {
	var text bytes.Buffer
	if err := json.Indent(&text, []byte(s.String()), "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".draft-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(text.Bytes())
	if err := errors.Join(err, draft.Chmod(0o644), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	return os.Link(draft.Name(), path)
}
