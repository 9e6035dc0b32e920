package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/schema"
)

// fileSubject is a subject that is kept in files.
type fileSubject struct {
	name, folder string
	versions     []schema.Version
}

// place is where a version is.
type place struct {
	subject string
	number  int
}

// places are the schemas that are files.
func places(files []fileSubject) map[place]*schema.Schema {
	all := map[place]*schema.Schema{}
	for _, f := range files {
		for _, v := range f.versions {
			all[place{f.name, v.Version}] = v.Schema
		}
	}
	return all
}

// readFiles returns the subjects that are files under dir.
func readFiles(dir string) ([]fileSubject, error) {
	files, err := schema.OpenDirectory(dir)
	if err != nil {
		return nil, err
	}
	folders, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []fileSubject
	for _, folder := range folders {
		name, err := url.PathUnescape(folder.Name())
		if err != nil || !folder.IsDir() {
			continue // a folder with schemas has a name that can be read
		}
		versions, err := files.Versions(context.Background(), name)
		var none *schema.NotFoundError
		if errors.As(err, &none) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, fileSubject{name, folder.Name(), versions})
	}
	return all, nil
}

// mayHave refuses files that contradict what was registered.
func (st *store) mayHave(files []fileSubject) error {
	for _, f := range files {
		if s := st.subjects[f.name]; s != nil && !s.file {
			return fmt.Errorf("subject %q was registered here and is in files too: remove the folder %s, or delete the subject for good while it is away", f.name, f.folder)
		}
		for _, v := range f.versions {
			if other := st.schemas[v.ID]; other != nil && !other.schema.Equal(v.Schema) {
				return fmt.Errorf("subject %q version %d happens to hash to the id %d, which was given to another schema: rename it", v.Subject, v.Version, v.ID)
			}
		}
	}
	return nil
}

// setFiles makes the files known instead of those before. An id that was known once stays known: events have it.
func (st *store) setFiles(files []fileSubject) {
	for name, s := range st.subjects {
		if s.file {
			delete(st.subjects, name)
			delete(st.modes, name)
		}
	}
	fromFiles := map[int]bool{}
	for _, f := range files {
		s := &subject{file: true}
		for _, v := range f.versions {
			s.insert(version{entry: st.fileEntry(v, fromFiles), number: v.Version})
		}
		st.subjects[f.name], st.modes[f.name] = s, "READONLY"
	}
}

// fileEntry returns the entry of a version that is a file. Of the entries that
// share an id, the first of files is what the id stands for, as with schema.Directory.
func (st *store) fileEntry(v schema.Version, fromFiles map[int]bool) *entry {
	e := st.entry(v.ID, v.Schema.String(), nil, v.Schema)
	e.file = true
	if !fromFiles[v.ID] {
		_, guid := schema.DirectoryIDs(v.Schema)
		e.guid = uuid.UUID(guid).String()
		st.schemas[v.ID], st.guids[e.guid], fromFiles[v.ID] = e, e, true
	}
	return e
}

// mayChange refuses changes to a subject that is read-only.
func (st *store) mayChange(name string) error {
	if s := st.subjects[name]; s != nil && s.file {
		next := s.versions[len(s.versions)-1].number + 1
		return errNotPermitted("Subject %s is in read-only mode: it is kept in files, and its next version would be the file %s/%d.avsc", name, url.PathEscape(name), next)
	}
	if readOnly(st.mode(name)) {
		return errNotPermitted("Subject %s is in read-only mode", name)
	}
	return nil
}

func (st *store) mayChangeMode(name string) error {
	if s := st.subjects[name]; s != nil && s.file {
		return errNotPermitted("Subject %s stays in read-only mode: it is kept in files", name)
	}
	return nil
}

// maxID is the highest id that there is.
func (st *store) maxID() int {
	highest := st.lastID
	for id := range st.schemas {
		highest = max(highest, id)
	}
	return highest
}
