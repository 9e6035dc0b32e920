package check

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// findPaths decides which files and directories are checked.
func (c *checker) findPaths() error {
	given := c.Paths
	if len(given) == 0 {
		for _, p := range c.Config.Paths {
			given = append(given, filepath.Join(filepath.FromSlash(c.ConfigDir), filepath.FromSlash(p)))
		}
		if len(given) == 0 {
			given = []string{cmp.Or(filepath.FromSlash(c.ConfigDir), ".")}
		}
	}
	c.named = true
	for _, p := range given {
		rel, info, err := c.find(p)
		if err != nil && len(c.Paths) == 0 {
			err = fmt.Errorf("%s%w", c.Config.at("paths"), err)
		}
		if errors.Is(err, os.ErrNotExist) {
			c.vanish(p, err)
			continue
		}
		if err != nil {
			return err
		}
		if info.IsDir() {
			c.named = false
		} else {
			c.tree.named = append(c.tree.named, rel)
		}
		c.paths = append(c.paths, rel)
	}
	return nil
}

// find returns a path relative to Dir, with slashes.
func (c *checker) find(p string) (string, os.FileInfo, error) {
	full := p
	if !filepath.IsAbs(p) {
		full = filepath.Join(c.tree.root, p)
	}
	info, err := os.Stat(full)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return "", nil, &missingError{p}
		}
		return "", nil, fmt.Errorf("%s: %w", p, cause(err))
	}
	if info.IsDir() { // git knows it by its own name
		if real, err := filepath.EvalSymlinks(full); err == nil {
			full = real
		}
	} else if real, err := filepath.EvalSymlinks(filepath.Dir(full)); err == nil {
		full = filepath.Join(real, filepath.Base(full))
	}
	rel, err := filepath.Rel(c.tree.root, full)
	return filepath.ToSlash(rel), info, err
}

// missingError is the error of a path that is not there.
type missingError struct{ path string }

func (e *missingError) Error() string {
	return e.path + " does not exist: name a .avsc file or a directory of them"
}
func (e *missingError) Unwrap() error { return os.ErrNotExist }

// excluded reports whether a file or directory is not a candidate: the configuration leaves it out, it
// is a contract, or it is what the candidates are compared with.
func (c *checker) excluded(p string) bool {
	if dir := c.contractsDir(); dir != "" && within(p, []string{dir}) {
		return true
	}
	rel := p
	if c.ConfigDir != "" && c.ConfigDir != "." {
		if r, err := filepath.Rel(c.ConfigDir, p); err == nil {
			rel = filepath.ToSlash(r)
		}
	}
	return c.Config.Excludes(rel)
}

// Excludes reports whether Exclude leaves a file or directory out. Its path has slashes and is relative to the Config's file.
func (c *Config) Excludes(path string) bool {
	return slices.ContainsFunc(c.Exclude, func(glob string) bool { return matches(glob, path) })
}

// absent is a path that was asked for and is not there, or not there any more.
type absent struct {
	path string
	err  error
}

// vanish notes a path that is not there.
func (c *checker) vanish(p string, err error) {
	full := p
	if !filepath.IsAbs(p) {
		full = filepath.Join(c.tree.root, p)
	}
	rel, relErr := filepath.Rel(c.tree.root, full)
	if relErr != nil {
		rel = p
	}
	rel = filepath.ToSlash(rel)
	if path.Ext(rel) != extension {
		c.named = false
	}
	c.paths, c.gone = append(c.paths, rel), append(c.gone, absent{rel, err})
}

// present are the paths that are there.
func (c *checker) present() []string {
	return slices.DeleteFunc(slices.Clone(c.paths), func(p string) bool {
		return slices.ContainsFunc(c.gone, func(a absent) bool { return a.path == p })
	})
}

// emptied notes the directories that somebody named and that have no schema, while others have.
func (c *checker) emptied(paths []string) error {
	if len(paths) == 0 || c.excludesBase() {
		return nil
	}
	for _, p := range c.present() {
		found, err := c.tree.list([]string{p})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			c.gone = append(c.gone, absent{p, fmt.Errorf("no .avsc file in %s: name the directories that hold schemas, and no other ones", p)})
		}
	}
	return nil
}

// excludesBase reports whether the candidates are compared with a directory within theirs.
func (c *checker) excludesBase() bool {
	if c.Against == "" || strings.Contains(c.Against, ":") && !strings.HasPrefix(c.Against, "dir:") {
		return false
	}
	_, info, err := c.find(strings.TrimPrefix(c.Against, "dir:"))
	return err == nil && info.IsDir()
}

// withoutIgnored leaves out the files that git ignores, such as copies in build directories, unless
// they were named.
func (c *checker) withoutIgnored(paths []string) ([]string, error) {
	if c.named || len(paths) == 0 {
		return paths, nil
	}
	if c.around == nil {
		return paths, c.ctx.Err() // no git, no .gitignore
	}
	ignored, err := c.around.ignored(paths)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(paths), func(p string) bool {
		return ignored[p] && !slices.Contains(c.tree.named, p)
	})
	if len(kept) == 0 {
		return nil, fmt.Errorf("git ignores every .avsc file in %s (%d): name the files themselves", strings.Join(c.paths, ", "), len(paths))
	}
	return kept, nil
}

// elsewhere returns the files near the candidates that are not among them.
func (c *checker) elsewhere(paths []string) ([]*file, error) {
	var around []string
	for _, p := range c.Config.Paths {
		around = append(around, path.Join(filepath.ToSlash(c.ConfigDir), p))
	}
	top := "."
	if c.around != nil {
		top = c.around.up()
	}
	for _, p := range c.paths {
		around = append(around, path.Dir(p))
	}
	all, err := c.tree.list(append(around, path.Clean(top)))
	if err != nil {
		return nil, nil // what is not there is reported as an unknown type
	}
	if c.around != nil { // a build's copies may be old
		ignored, err := c.around.ignored(all)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(p string) bool { return ignored[p] })
	}
	return c.load(c.tree, slices.DeleteFunc(all, func(p string) bool { return slices.Contains(paths, p) })), nil
}
