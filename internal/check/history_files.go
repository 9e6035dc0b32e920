package check

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// within compares with a file or a directory of a commit.
func (c *checker) within(revision, p string, candidates *set) (history, error) {
	id, ok := c.repo.commit(revision)
	if !ok {
		return nil, fmt.Errorf("git knows no branch, tag or commit %q%s", revision, c.repo.orList())
	}
	b := base{commit: id, name: called(revision, id)}
	t, err := c.repo.tree(b)
	if err != nil {
		return nil, err
	}
	p = path.Clean(strings.TrimSuffix(p, "/"))
	paths, err := t.list([]string{p})
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no .avsc file in %s (a path of the repository, from its root)", revision, p)
	}
	files, err := t.load(paths)
	if err != nil {
		return nil, err
	}
	isFile := len(paths) == 1 && paths[0] == p
	for _, f := range files {
		f.path = strings.TrimPrefix(f.path, p+"/")
	}
	all, err := t.list(nil)
	if err != nil {
		return nil, err
	}
	s, err := newSet(files, true, func() ([]*file, error) {
		return t.load(slices.DeleteFunc(all, func(in string) bool { return slices.Contains(paths, in) }))
	})
	if err != nil {
		return nil, err
	}
	c.report.Against = fmt.Sprintf("%s:%s", b.label(), p)
	return newFileHistory(c, s, isFile, candidates), nil
}

// fileHistory is a directory, or a file, to compare with.
type fileHistory struct {
	c *checker
	*set
	isFile bool
	only   bool // a single candidate: names need not be equal
	stays  staying
}

func newFileHistory(c *checker, s *set, isFile bool, candidates *set) *fileHistory {
	h := &fileHistory{c, s, isFile, len(candidates.subjects) == 1 && len(s.subjects) == 1, staying{}}
	for _, sub := range candidates.subjects {
		h.stays[whereabouts{sub.name, h.at(sub.path)}] = true
	}
	return h
}

func (c *checker) files(what string, candidates *set) (history, error) {
	p, info, err := c.find(what)
	if err != nil {
		return nil, err
	}
	if c.Tags != "" {
		return nil, errors.New("--tags needs git to compare with, not files")
	}
	t := &workTree{root: filepath.Join(c.tree.root, filepath.FromSlash(p)), show: func(in string) string { return path.Join(p, in) }}
	under := []string{"."}
	if !info.IsDir() {
		t.root, t.show = filepath.Dir(t.root), func(in string) string { return path.Join(path.Dir(p), in) }
		under, t.named = []string{path.Base(p)}, []string{path.Base(p)}
	}
	paths, err := t.list(under)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 && (c.AllowNew || c.allNew(candidates)) && !c.empty {
		c.report.Against = path.Clean(filepath.ToSlash(what))
		return noHistory{}, nil
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no .avsc file in %s, which is what to compare with: name the directory that holds the old schemas", what)
	}
	s, err := newSet(t.load(paths), true, func() ([]*file, error) {
		all, err := t.list(nil)
		if err != nil {
			return nil, nil
		}
		return t.load(slices.DeleteFunc(all, func(in string) bool { return slices.Contains(paths, in) })), nil
	})
	if err != nil {
		return nil, err
	}
	c.report.Against = path.Clean(filepath.ToSlash(what))
	return newFileHistory(c, s, !info.IsDir(), candidates), nil
}

func (h *fileHistory) of(s *subject) ([]*past, error) {
	found := pick(h.set, s, h.at(s.path), h.stays)
	if h.isFile && h.only {
		found = h.subjects[0].versions
	}
	p := past{numbered: numbers(found)}
	label := h.c.report.Against
	if len(found) > 1 {
		label = ""
	}
	p.add(label, found)
	return []*past{&p}, nil
}

// at is the path of a candidate within its directory, as files of the old directory have it.
func (h *fileHistory) at(path string) string {
	for _, p := range h.c.paths {
		if rest, ok := strings.CutPrefix(path, p+"/"); ok {
			return rest
		}
	}
	return path
}

func (h *fileHistory) gone(candidates *set) []lost {
	if h.c.named || h.isFile {
		return nil
	}
	return gone(h.set, candidates, h.at)
}
