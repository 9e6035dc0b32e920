package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/git"
	"github.com/troupe-go/troupe/schema"
)

// Registry is what Run needs of a schema registry.
type Registry interface {
	Subjects(ctx context.Context) ([]string, error)
	Versions(ctx context.Context, subject string) ([]schema.Version, error)
	Level(ctx context.Context, subject string) (schema.Mode, error)
}

// history is what candidates are compared with.
type history interface {
	// of returns what there is of a candidate: one past, or several where it has several names.
	of(s *subject) ([]*past, error)
	// gone returns the subjects that have no candidate any more. It is asked when of was, for all candidates.
	gone(candidates *set) []lost
}

// lost is a subject that is gone, and where its file would be, relative to Dir.
type lost struct {
	*subject
	file string
	// called is its name in a registry, "" where that does not matter.
	called string
}

// past is the history of one subject.
type past struct {
	versions []*version // oldest first
	// mode is the one that the history itself has for the subject, "" if it has none.
	mode     schema.Mode
	modeFrom string
	// numbered are the numbers of the files <subject>/<n>.avsc that it has at last.
	numbered []int
	// kept are the numbered versions that have to stay as they are.
	kept []*version
	// called is the subject's name there, "" if it has no other one.
	called string
}

// history opens what the candidates are compared with.
func (c *checker) history(candidates *set) (history, error) {
	kind, what, hasKind := strings.Cut(c.Against, ":")
	switch {
	case c.Against == "registry", hasKind && kind == "registry":
		if c.Tags != "" {
			return nil, errors.New("--tags needs git to compare with, not a registry, which has its own history")
		}
		return c.registry(what, candidates)
	case hasKind && kind == "git":
		return c.git(what, candidates)
	case hasKind && (kind == "dir" || kind == "file"):
		return c.files(what, candidates)
	case c.Against == "":
		return c.git("", candidates)
	case len(c.Against) >= 7 && strings.Trim(c.Against, "0") == "":
		h, err := c.git("", candidates)
		c.report.How += "; 000… is what the push of a new branch calls the commit before"
		return h, err
	}
	_, _, err := c.find(c.Against)
	isFile := err == nil
	if isFile && c.isRevision(c.Against) {
		return nil, fmt.Errorf("%q is both a path and something that git knows: say git:%[1]s or dir:%[1]s (file:%[1]s for a file)", c.Against)
	}
	if isFile {
		return c.files(c.Against, candidates)
	}
	return c.git(c.Against, candidates)
}

func (c *checker) isRevision(s string) bool {
	repo, err := c.openRepository()
	if err != nil {
		return false
	}
	_, ok := repo.commit(s)
	return ok
}

// openRepository opens the repository that the first path is in.
func (c *checker) openRepository() (*repository, error) {
	if c.repo != nil {
		return c.repo, nil
	}
	dir := filepath.Join(c.tree.root, filepath.FromSlash(c.paths[0]))
	if slices.Contains(c.tree.named, c.paths[0]) {
		dir = filepath.Dir(dir)
	}
	for _, err := os.Stat(dir); err != nil && dir != filepath.Dir(dir); _, err = os.Stat(dir) {
		dir = filepath.Dir(dir) // what was deleted
	}
	repo, err := openRepository(c.ctx, dir)
	if errors.Is(err, git.ErrNoRepository) {
		hint := ""
		if len(c.tree.named) == 2 && len(c.paths) == 2 {
			hint = fmt.Sprintf("; to compare two files: troupe schema check %s --against %s", c.paths[1], c.paths[0])
		}
		return nil, fmt.Errorf("%s is not in a git repository: say what to compare with (--against DIR|FILE|registry)%s", c.paths[0], hint)
	}
	if err != nil {
		return nil, err
	}
	c.repo, c.repoDir = repo, dir
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		c.repoTop = filepath.Join(real, repo.up())
	}
	if c.report.Prefix, err = c.inRepository("."); err != nil {
		c.report.Prefix = "." // Dir is elsewhere
	}
	return repo, nil
}

// inRepository is a path relative to Dir as one relative to the repository's root.
func (c *checker) inRepository(p string) (string, error) {
	rel, err := filepath.Rel(c.repoDir, filepath.Join(c.tree.root, filepath.FromSlash(p)))
	if err != nil {
		return "", err
	}
	p = path.Join(c.repo.prefix, filepath.ToSlash(rel))
	if p == ".." || strings.HasPrefix(p, "../") {
		return "", fmt.Errorf("%s is outside of the git repository of %s: check them one after the other", p, c.paths[0])
	}
	return p, nil
}

// gitHistory is the history in git: tags, and the commit to compare with.
type gitHistory struct {
	c     *checker
	trees []*pastTree // oldest first
	stays staying
	// absent are the files that are not checked out.
	absent map[string]bool
}

// pastTree is a tree as it was once.
type pastTree struct {
	*set
	label string
	// elsewhere returns the set of what the tree has outside of the checked paths.
	elsewhere func() (*set, error)
	// contracts returns the files of the contracts that are there no more.
	contracts func() ([]*file, error)
}

func (c *checker) git(revision string, candidates *set) (history, error) {
	repo, err := c.openRepository()
	if err != nil {
		return nil, err
	}
	var b base
	if revision == "" {
		b, err = repo.mainBase(c.Env)
	} else {
		if ref, p, ok := strings.Cut(revision, ":"); ok && p != "" {
			return c.within(ref, p, candidates)
		}
		b, err = repo.namedBase(c.Env, revision)
	}
	var first *beginning
	if errors.As(err, &first) {
		return c.begin(first, candidates)
	}
	if err != nil {
		if revision != "" && revision == c.Config.Against {
			return nil, fmt.Errorf("%sagainst: %w", c.Config.at("against"), err)
		}
		return nil, err
	}
	c.report.Against, c.report.How = b.label(), b.how
	var bases []base
	if c.Tags != "" {
		if bases, err = repo.tags(c.Tags); err != nil {
			if c.Tags == c.Config.Tags {
				return nil, fmt.Errorf("%stags: %w", c.Config.at("tags"), err)
			}
			return nil, fmt.Errorf("--tags: %w", err)
		}
		if revision != "" && !repo.isBranch(revision) {
			bases = slices.DeleteFunc(bases, func(tag base) bool { return tag.commit == b.commit })
		}
	}
	if len(bases) > 0 {
		c.report.Against = fmt.Sprintf("%s and %s (%s)", b.label(), count(len(bases), "tag"), c.Tags)
	}
	h := &gitHistory{c: c, stays: staying{}}
	for _, sub := range candidates.subjects {
		if in, err := c.inRepository(sub.path); err == nil {
			h.stays[whereabouts{sub.name, in}] = true
		}
	}
	for _, b := range append(bases, b) {
		t, err := c.past(b)
		if err != nil {
			return nil, err
		}
		h.trees = append(h.trees, t)
	}
	return h, h.sparse(b)
}

// sparse finds the files that a sparse checkout leaves out. They are not deleted; what became of them can't be said.
func (h *gitHistory) sparse(b base) error {
	left, err := h.c.repo.notCheckedOut()
	if err != nil || len(left) == 0 {
		return err
	}
	before, err := h.c.repo.tree(b)
	if err != nil {
		return err
	}
	h.absent = map[string]bool{}
	for _, p := range slices.Sorted(maps.Keys(left)) {
		h.absent[p] = true
		own, err := filepath.Rel(h.c.report.Prefix, p)
		if err != nil || before.ids[p] == left[p] || h.c.excluded(filepath.ToSlash(own)) || !slices.ContainsFunc(h.c.paths, func(in string) bool {
			under, err := h.c.inRepository(in)
			return err == nil && within(p, []string{under})
		}) {
			continue
		}
		own = filepath.ToSlash(own)
		h.c.report.Problems = append(h.c.report.Problems, Problem{File: own, Message: own + " has changed and is not checked out: add it to the sparse checkout"})
	}
	return nil
}

// past reads the tree of a commit.
func (c *checker) past(b base) (*pastTree, error) {
	t, err := c.repo.tree(b)
	if err != nil {
		return nil, err
	}
	var under []string
	for _, p := range c.paths {
		in, err := c.inRepository(p)
		if err != nil {
			return nil, err
		}
		under = append(under, in)
	}
	everything, err := t.list(nil)
	if err != nil {
		return nil, err
	}
	var here, rest, contracts []string
	for _, p := range everything {
		own, err := filepath.Rel(c.report.Prefix, p)
		if dir := c.contractsDir(); err == nil && within(filepath.ToSlash(own), []string{dir}) && strings.Count(p, "/") > strings.Count(dir, "/")+1 {
			if _, err := os.Stat(filepath.Join(c.tree.root, own)); err != nil {
				contracts = append(contracts, p)
			}
		}
		switch {
		case passedBy(p, under):
		case err == nil && c.excluded(filepath.ToSlash(own)) && !slices.Contains(under, p):
		case within(p, under):
			here = append(here, p)
		default:
			rest = append(rest, p)
		}
	}
	others := func() ([]*file, error) { return t.load(rest) }
	s, err := c.repo.set(t, here, others)
	if err != nil {
		return nil, err
	}
	return &pastTree{s, b.name, func() (*set, error) {
		return c.repo.set(t, rest, func() ([]*file, error) { return t.load(here) })
	}, func() ([]*file, error) {
		files, err := t.load(contracts)
		for _, f := range files {
			if own, err := filepath.Rel(c.report.Prefix, f.path); err == nil {
				f.path = filepath.ToSlash(own)
			}
		}
		return files, err
	}}, nil
}

func (h *gitHistory) formerContracts() ([]*file, error) {
	return h.trees[len(h.trees)-1].contracts()
}

// set reads files of a tree, once for all commits that have the same ones.
func (r *repository) set(t *commitTree, paths []string, others func() ([]*file, error)) (*set, error) {
	key := t.fingerprint(paths)
	if s, ok := r.sets[key]; ok {
		return s, nil
	}
	files, err := t.load(paths)
	if err != nil {
		return nil, err
	}
	s, err := newSet(files, true, others)
	if err == nil {
		r.sets[key] = s
	}
	return s, err
}

func (h *gitHistory) of(s *subject) ([]*past, error) {
	in, err := h.c.inRepository(s.path)
	if err != nil {
		return nil, err
	}
	if other := otherRepository(h.c.tree.root, h.c.repoTop, s.path); other != "" {
		return nil, &otherRepositoryError{s.newest().show, other}
	}
	var p past
	for _, t := range h.trees {
		found, err := t.find(s, in, h.stays)
		if err != nil {
			return nil, err
		}
		p.add(t.label, found)
		p.kept, p.numbered = found, numbers(found)
	}
	return []*past{&p}, nil
}

// otherRepositoryError is about a schema whose history is in another git repository: a submodule's.
type otherRepositoryError struct{ file, repository string }

func (e *otherRepositoryError) Error() string {
	return fmt.Sprintf("%s is in a git repository of its own, %s (a submodule?), and so is its history: check it there, or leave it out (exclude in troupe.yaml)", e.file, e.repository)
}

// otherRepository returns the directory of the repository that a path below root is in, "" if it is the one whose root is top.
func otherRepository(root, top, p string) string {
	for dir := path.Dir(p); dir != "." && dir != "/" && path.Base(dir) != ".."; dir = path.Dir(dir) {
		full := filepath.Join(root, filepath.FromSlash(dir))
		if full == top {
			break
		}
		if _, err := os.Lstat(filepath.Join(full, ".git")); err == nil {
			return dir
		}
	}
	return ""
}

// find returns the versions of a subject, which may have been in another file or have had another name.
func (t *pastTree) find(s *subject, at string, stays staying) ([]*version, error) {
	if found := pick(t.set, s, at, stays); found != nil {
		return found, nil
	}
	rest, err := t.elsewhere()
	if err != nil {
		return nil, err
	}
	return pick(rest, s, at, stays), nil
}

// add adds versions; one that is the same as the last one only makes its label longer.
func (p *past) add(label string, found []*version) {
	var names []string
	if len(found) > 1 {
		names = distinct(found)
	}
	for i, v := range found {
		next := *v
		switch {
		case label == "":
		case v.label == "":
			next.label = label
		default:
			next.label = label + ":" + v.label
		}
		if len(found) > 1 && v.label == "" {
			next.label += ":" + names[i]
		}
		if n := len(p.versions); n > 0 && same(p.versions[n-1], v) {
			first, _, _ := strings.Cut(p.versions[n-1].label, "–")
			next.label = first + "–" + next.label
			p.versions[n-1] = &next
			continue
		}
		p.versions = append(p.versions, &next)
	}
}

func numbers(versions []*version) (all []int) {
	for _, v := range versions {
		if v.outline.number > 0 {
			all = append(all, v.outline.number)
		}
	}
	return all
}

func same(a, b *version) bool {
	return a.schema != nil && b.schema != nil && (a.schema == b.schema || a.schema.String() == b.schema.String())
}

func (h *gitHistory) gone(candidates *set) []lost {
	all := gone(h.trees[len(h.trees)-1].set, candidates, func(p string) string {
		in, _ := h.c.inRepository(p) // "" is a file that git does not have
		return in
	})
	all = slices.DeleteFunc(all, func(l lost) bool { return h.absent[l.path] })
	for i := range all {
		if own, err := filepath.Rel(h.c.report.Prefix, all[i].path); err == nil {
			all[i].file = filepath.ToSlash(own)
		}
	}
	return all
}

// gone returns the subjects of before that no candidate is the next version of; at says
// where a candidate's file was before.
func gone(before, candidates *set, at func(string) string) (all []lost) {
	found := map[string]bool{}
	for _, sub := range candidates.subjects {
		found[at(sub.path)] = true
		found[sub.name] = true
		if len(before.byName[sub.name]) > 0 {
			continue // it is its own next version, and not that of its aliases too
		}
		for _, name := range sub.names() {
			found[name] = true
		}
	}
	for _, sub := range before.subjects {
		gone := !found[sub.name] && (!sub.unnamed || !found[sub.path])
		if gone && !sub.newest().outline.misnamed && sub.newest().schema != nil && !candidates.broken(sub.path, at) && !candidates.mayHold(sub.name) {
			all = append(all, lost{subject: sub, file: sub.newest().show})
		}
	}
	return all
}

// mayHold reports whether a file that could not be read may be where a record is now.
func (s *set) mayHold(name string) bool {
	return slices.ContainsFunc(s.unread, func(f *file) bool {
		return len(f.text) == 0 || bytes.Contains(f.text, []byte(simple(name)))
	})
}

// broken reports whether what is in a file now could not be read.
func (s *set) broken(path string, at func(string) string) bool {
	return slices.ContainsFunc(s.problems, func(p Problem) bool { return within(at(p.File), []string{path}) })
}
