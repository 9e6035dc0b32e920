package schema

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const extension = ".avsc"

// shelf is what a Directory held at one moment. It is not changed once built.
type shelf struct {
	files    map[string]file // by path
	subjects map[string][]Version
	ids      map[int]Version // the first version that has the id, by subject, then version
	guids    map[[16]byte]*Schema
}

// file is one version and what tells whether its file has changed.
type file struct {
	size     int64
	modified time.Time
	version  Version
}

// readShelf reads all versions, but those whose files have not changed since last.
func readShelf(files fs.FS, last *shelf) (*shelf, error) {
	s := &shelf{files: map[string]file{}, subjects: map[string][]Version{}, ids: map[int]Version{}, guids: map[[16]byte]*Schema{}}
	folders, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, folder := range folders {
		if folder.IsDir() && !strings.HasPrefix(folder.Name(), ".") {
			errs = append(errs, s.readSubject(files, folder.Name(), last))
		}
	}
	return s, errors.Join(errs...)
}

func (s *shelf) readSubject(files fs.FS, folder string, last *shelf) error {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.IsDir() || path.Ext(e.Name()) != extension })
	subject, err := url.PathUnescape(folder)
	if len(entries) > 0 && (err != nil || url.PathEscape(subject) != folder) {
		return fmt.Errorf("%s: not a subject's name as a folder; its name would be %s", folder, url.PathEscape(folder))
	}
	var errs []error
	for _, entry := range entries {
		f, err := readVersion(files, path.Join(folder, entry.Name()), subject, last)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.files[path.Join(folder, entry.Name())] = f
		s.subjects[subject] = append(s.subjects[subject], f.version)
	}
	slices.SortFunc(s.subjects[subject], func(a, b Version) int { return a.Version - b.Version })
	for _, v := range s.subjects[subject] {
		errs = append(errs, s.index(v))
	}
	return errors.Join(errs...)
}

func readVersion(files fs.FS, name, subject string, last *shelf) (file, error) {
	info, err := fs.Stat(files, name)
	if err != nil {
		return file{}, err
	}
	if last != nil {
		if f, ok := last.files[name]; ok && f.size == info.Size() && f.modified.Equal(info.ModTime()) {
			return f, nil
		}
	}
	digits := strings.TrimSuffix(path.Base(name), extension)
	number, err := strconv.Atoi(digits)
	if err != nil || number < 1 || strconv.Itoa(number) != digits {
		return file{}, fmt.Errorf("%s: the file of a version is named 1%[2]s, 2%[2]s and so on", name, extension)
	}
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return file{}, err
	}
	parsed, err := ParseStored(string(text))
	if err != nil {
		return file{}, fmt.Errorf("%s: %w", name, err)
	}
	id, _ := DirectoryIDs(parsed)
	return file{info.Size(), info.ModTime(), Version{Subject: subject, Version: number, ID: id, Schema: parsed}}, nil
}

// index makes v known by its ids. Versions come in the order of subjects and numbers.
func (s *shelf) index(v Version) error {
	first, taken := s.ids[v.ID]
	if taken {
		if !first.Schema.Equal(v.Schema) {
			return errSameID(v.ID, v.Schema, first)
		}
		return nil
	}
	_, guid := DirectoryIDs(v.Schema)
	s.ids[v.ID], s.guids[guid] = v, v.Schema
	return nil
}

func errSameID(id int, s *Schema, other Version) error {
	return fmt.Errorf("%s happens to hash to the id %d of subject %q version %d: rename it", nameOf(s), id, other.Subject, other.Version)
}

// DirectoryIDs returns the ids that every Directory gives a schema: they are derived from how it
// writes bytes, so that schemas that are Equal share them. The id is from 1 to 2^31-1.
// These numbers are on the wire of events that were kept: what is hashed must never change.
func DirectoryIDs(s *Schema) (id int, guid [16]byte) {
	guid = uuid.NewHash(sha256.New(), uuid.Nil, []byte(s.identity()), 8)
	id = int(binary.BigEndian.Uint32(guid[:]) & 0x7fffffff)
	return max(id, 1), guid
}
