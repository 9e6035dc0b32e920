package check

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	extension = ".avsc"
	// largestFile is what a schema may have: registries keep one in a Kafka message, of 1 MB by default.
	largestFile = 4 << 20
)

// file is a schema's file.
type file struct {
	// path is the place in its tree, with slashes.
	path string
	// show is its name in messages.
	show string
	text []byte
	// err says why it could not be read.
	err error
}

// workTree is the directory tree below root. Its paths are relative to root.
type workTree struct {
	root string
	show func(path string) string
	// named are files that were asked for by their name: they may be called and ignored as they like.
	named []string
	// exclude says what is left out of directories.
	exclude func(path string) bool
	// top is the directory that links may lead into. Defaults to root.
	top string
	// followed are the directories that links led to.
	followed map[string]bool
}

// list returns the paths of all .avsc files under the given ones, sorted; all of them for none.
func (t *workTree) list(under []string) ([]string, error) {
	if len(under) == 0 {
		under = []string{"."}
	}
	t.followed = map[string]bool{}
	var all []string
	for _, p := range under {
		if slices.Contains(t.named, p) {
			all = append(all, p)
			continue
		}
		found, err := t.walk(p)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// walk returns the .avsc files in a directory. Directories that are hidden or hold packages of others are passed by.
func (t *workTree) walk(dir string) (all []string, err error) {
	var links []string
	top := filepath.Join(t.root, filepath.FromSlash(dir))
	err = filepath.WalkDir(top, func(full string, e fs.DirEntry, err error) error {
		if err != nil {
			if full != top && errors.Is(err, fs.ErrNotExist) { // a build's directory, removed meanwhile
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(t.root, full)
		if err != nil {
			return err
		}
		p := filepath.ToSlash(rel)
		switch {
		case e.IsDir() && p != dir && (isPassedBy(e.Name()) || t.excluded(p)):
			return fs.SkipDir
		case t.excluded(p):
		case e.Type().IsRegular() && path.Ext(p) == extension:
			all = append(all, p)
		case e.Type()&fs.ModeSymlink != 0 && !isPassedBy(e.Name()):
			links = append(links, full)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		found, err := t.follow(link)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (t *workTree) holds(dir string) bool {
	top := cmp.Or(t.top, t.root)
	return dir == top || strings.HasPrefix(dir, strings.TrimSuffix(top, "/")+"/")
}

// follow returns the .avsc files that a link leads to, by the paths that they have themselves: git has them
// there, and who comes across them twice sees that they are the same.
func (t *workTree) follow(link string) ([]string, error) {
	real, err := filepath.EvalSymlinks(link)
	if err != nil {
		if rel, err := filepath.Rel(t.root, link); err == nil && path.Ext(link) == extension {
			return []string{filepath.ToSlash(rel)}, nil // load says what is wrong with it
		}
		return nil, nil
	}
	info, err := os.Stat(real)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(t.root, real)
	if err != nil {
		return nil, err
	}
	p := filepath.ToSlash(rel)
	switch {
	case t.excluded(p), t.followed[real]:
		return nil, nil
	case info.IsDir() && !t.holds(real): // a build's output, or the whole disk
		return nil, nil
	case info.IsDir():
		t.followed[real] = true
		return t.walk(p)
	case info.Mode().IsRegular() && path.Ext(link) == extension && t.holds(filepath.Dir(real)):
		return []string{p}, nil
	case info.Mode().IsRegular() && path.Ext(link) == extension:
		rel, err := filepath.Rel(t.root, link)
		return []string{filepath.ToSlash(rel)}, err
	}
	return nil, nil
}

// isPassedBy reports whether a directory of that name is not looked into, unless it was named.
func isPassedBy(directory string) bool {
	return strings.HasPrefix(directory, ".") && directory != "." && directory != ".." || directory == "node_modules"
}

// passedBy reports whether walk passes by a file from all the paths that it is under.
func passedBy(p string, under []string) bool {
	for _, u := range append([]string{"."}, under...) {
		if p == u {
			return false
		}
		rest, ok := strings.CutPrefix(p, u+"/")
		if u == "." {
			rest, ok = p, true
		}
		if ok && !slices.ContainsFunc(strings.Split(path.Dir(rest), "/"), isPassedBy) {
			return false
		}
	}
	return true
}

func (t *workTree) excluded(p string) bool { return t.exclude != nil && t.exclude(p) }

// load reads files that list gave.
func (t *workTree) load(paths []string) []*file {
	files := make([]*file, len(paths))
	for i, p := range paths {
		f := &file{path: p, show: t.show(p)}
		full := filepath.Join(t.root, filepath.FromSlash(p))
		info, err := os.Stat(full)
		switch {
		case err != nil:
			f.err = cause(err)
			if to, err := os.Readlink(full); err == nil {
				f.err = fmt.Errorf("it is a link to %s: %w (is it built first?)", filepath.ToSlash(to), f.err)
			}
		case info.Size() > largestFile:
			f.err = tooLarge(info.Size())
		default:
			f.text, err = os.ReadFile(full)
			f.err = cause(err)
		}
		files[i] = f
	}
	return files
}

func tooLarge(size int64) error {
	return fmt.Errorf("the file has %.1f MB, and a schema may have %d: registries keep one in a Kafka message of 1 MB; is it data?", float64(size)/1e6, largestFile/1_000_000)
}

// cause is err without the operation and the path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// matches reports whether a glob matches a path or a directory that it is in. A glob without a slash
// matches a name at any depth; ** stands for any number of directories.
func matches(glob, p string) bool {
	glob = strings.TrimSuffix(strings.TrimPrefix(glob, "./"), "/")
	if !strings.Contains(glob, "/") {
		glob = "**/" + glob
	}
	parts := strings.Split(p, "/")
	for n := 1; n <= len(parts); n++ {
		if matchParts(strings.Split(glob, "/"), parts[:n]) {
			return true
		}
	}
	return false
}

func matchParts(glob, parts []string) bool {
	switch {
	case len(glob) == 0:
		return len(parts) == 0
	case glob[0] == "**":
		for n := range len(parts) + 1 {
			if matchParts(glob[1:], parts[n:]) {
				return true
			}
		}
		return false
	case len(parts) == 0:
		return false
	}
	ok, _ := path.Match(glob[0], parts[0])
	return ok && matchParts(glob[1:], parts[1:])
}

// within reports whether p is one of the paths under, or in one of them.
func within(p string, under []string) bool {
	return len(under) == 0 || slices.ContainsFunc(under, func(u string) bool {
		return u == "." || p == u || strings.HasPrefix(p, u+"/")
	})
}
