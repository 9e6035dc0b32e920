package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupe-go/troupe/schema"
)

// watch knows what the files were like when they were read last.
type watch struct {
	mu   sync.Mutex
	dir  string // "": there are none
	seen string
	rest time.Time // not looked at before then
}

// Looking at hundreds of files takes milliseconds: then it is done for a twentieth of the time at most.
const (
	quickLook = time.Millisecond
	restAfter = 20
)

// refresh reads the files again if they have changed. Where they have not, only their
// names, sizes and times are looked at.
func (s *Server) refresh() {
	w := &s.files
	if w.dir == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	began := time.Now()
	if began.Before(w.rest) {
		return
	}
	now := looks(w.dir)
	if took := time.Since(began); took > quickLook {
		w.rest = time.Now().Add(restAfter * took)
	}
	if now == w.seen {
		return
	}
	w.seen = now // what is broken is said once, and read again when it has changed once more
	files, err := readFiles(w.dir)
	if err == nil {
		err = s.store.replaceFiles(files)
	}
	if err != nil {
		s.cfg.Log.Warn("the files have changed and can't be read now; what they were before goes on being served", "err", err)
	}
}

// looks tells one state of the files from another.
func looks(dir string) string {
	var b strings.Builder
	folders, err := os.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	for _, folder := range folders {
		if !folder.IsDir() || strings.HasPrefix(folder.Name(), ".") {
			continue
		}
		names, _ := os.ReadDir(filepath.Join(dir, folder.Name())) // gone meanwhile: it has no files
		for _, name := range names {
			path := filepath.Join(dir, folder.Name(), name.Name())
			if info, err := os.Stat(path); err == nil && filepath.Ext(path) == ".avsc" {
				fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return b.String()
}

// replaceFiles makes other files known than those before, and says what is different, or refuses them all.
func (st *store) replaceFiles(files []fileSubject) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.mayHave(files); err != nil {
		return err
	}
	before := map[string][]version{}
	for name, s := range st.subjects {
		if s.file {
			before[name] = s.versions
		}
	}
	st.setFiles(files)
	for _, f := range files {
		st.logFile(f, before[f.name])
		delete(before, f.name)
	}
	for name := range before {
		st.log.Info("the files of a subject are gone", "subject", name)
	}
	return nil
}

// logFile says what has changed in a subject.
func (st *store) logFile(f fileSubject, before []version) {
	same := len(before) == len(f.versions)
	var numbers []int
	for _, v := range f.versions {
		numbers = append(numbers, v.Version)
		at := slices.IndexFunc(before, func(b version) bool { return b.number == v.Version })
		if at < 0 || before[at].schema.String() != v.Schema.String() {
			same = false
		}
		if at >= 0 && before[at].id != v.ID {
			st.logRewritten(v, before[at].id)
		}
	}
	if !same {
		st.log.Info("read files again", "subject", f.name, "versions", numbers)
	}
}

func (st *store) logRewritten(v schema.Version, was int) {
	st.log.Warn("a file was rewritten to another schema: events of the earlier one can be read until this server ends, then no more; the next version belongs in the next file",
		"subject", v.Subject, "version", v.Version, "id", v.ID, "was", was)
}
