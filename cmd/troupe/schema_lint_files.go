package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-go/troupe/internal/check"
)

// lintFiles are what lint was asked to look at.
type lintFiles struct {
	names []string // linted, sorted
	// others may define types that these use. They are not linted.
	others []string
	stdin  bool
	// excluded is how many were left out for what troupe.yaml says.
	excluded int
}

// files finds the files in paths, or else in those of troupe.yaml. What troupe.yaml excludes, and the contracts of
// other services, are left out unless somebody names them.
func (o *lintOptions) files(paths []string) (*lintFiles, error) {
	var c check.Options
	if err := (&checkOptions{config: o.configFile}).readConfig(&c); err != nil {
		return nil, err
	}
	top := cmp.Or(c.ConfigDir, ".")
	if c.Config == nil {
		c.Config = &check.Config{}
	}
	ofConfig := len(paths) == 0 && len(c.Config.Paths) > 0
	switch {
	case ofConfig:
		for _, p := range c.Config.Paths {
			paths = append(paths, relative(".", filepath.Join(top, filepath.FromSlash(p))))
		}
	case len(paths) == 0:
		paths = []string{top}
	}
	leave := leftOut(c.Config, top)
	found := &lintFiles{}
	for _, path := range paths {
		if path == "-" {
			found.stdin = true
			continue
		}
		files, err := schemaFiles(path)
		if err != nil {
			return nil, err
		}
		if !leave(path) {
			all := len(files)
			files = slices.DeleteFunc(files, func(name string) bool { return name != path && leave(name) })
			found.excluded += all - len(files)
		}
		found.names = append(found.names, files...)
	}
	slices.Sort(found.names)
	found.names = slices.Compact(found.names)
	if len(found.names) == 0 && !found.stdin {
		why := ""
		if found.excluded > 0 {
			why = fmt.Sprintf(" but %s that %s leaves out", counted(found.excluded, "file"), cmp.Or(c.Config.File, "the directory of contracts"))
		}
		return nil, fmt.Errorf("there is no .avsc file in %s%s, so nothing was linted", strings.Join(paths, ", "), why)
	}
	if ofConfig {
		others, err := schemaFiles(relative(".", top))
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		found.others = slices.DeleteFunc(others, func(name string) bool {
			_, linted := slices.BinarySearch(found.names, name)
			return linted || leave(name)
		})
	}
	return found, nil
}

// leftOut is what the configuration in the directory top leaves out: the contracts, and what it excludes.
func leftOut(c *check.Config, top string) func(name string) bool {
	contracts := filepath.ToSlash(filepath.Clean(cmp.Or(c.Contracts, "contracts")))
	return func(name string) bool {
		rel := filepath.ToSlash(relative(top, name))
		return rel == contracts || strings.HasPrefix(rel, contracts+"/") || c.Excludes(rel)
	}
}

// relative is a path seen from a directory, if it can be said so.
func relative(dir, path string) string {
	from, err := filepath.Abs(dir)
	if err != nil {
		return path
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(from, full); err == nil {
		return rel
	}
	return path
}

// schemaFiles returns a file, or the .avsc files in a directory, without those of hidden directories.
func schemaFiles(path string) (names []string, err error) {
	err = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		switch {
		case name != path && errors.Is(err, fs.ErrNotExist): // removed meanwhile
			return nil
		case err != nil:
			return cannotRead(name, err)
		case e.IsDir() && name != path && (strings.HasPrefix(e.Name(), ".") || e.Name() == "node_modules"):
			return fs.SkipDir
		case !e.IsDir() && (name == path || filepath.Ext(name) == ".avsc"):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}
