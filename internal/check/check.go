package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-go/troupe/schema"
)

// Options say what to check, and against what. The zero value of each field means its default.
type Options struct {
	// Dir is where relative paths start. Defaults to the working directory.
	Dir string
	// Paths are files and directories. Defaults to those of Config, or else to Dir.
	Paths []string
	// Config is what troupe.yaml says, and ConfigDir where it is, relative to Dir.
	Config    *Config
	ConfigDir string
	// Against is a git revision, a directory, a file or "registry"; "git:", "dir:", "file:" and "registry:" in front
	// leave no doubt. Defaults to Config's, or else to where the main branch was left.
	Against string
	// Tags is a glob of git tags that are older versions.
	Tags string
	// Mode is for all subjects. Defaults to Config's or the registry's, or else to BACKWARD.
	Mode schema.Mode
	// Contracts is the directory of the services' reader schemas. Defaults to Config's.
	Contracts string
	// Open opens the registry when it is needed, and says what to call it.
	Open func() (r Registry, name string, err error)
	// Subject is the one in the registry, for a single schema.
	Subject string
	// AllowDeleted and AllowNew say that a deleted subject is meant, and that nothing but new ones are.
	AllowDeleted, AllowNew bool
	// Strict makes warnings fail.
	Strict bool
	// Confluent asks what Confluent's registry would say.
	Confluent bool
	// Env looks up variables that CI systems set. Defaults to os.Getenv.
	Env func(string) string
	// Now is the day that waivers expire on. Defaults to today.
	Now time.Time
}

// Run checks. The error says that nothing could be checked; what went wrong with single
// schemas is in the Report.
func Run(ctx context.Context, o Options) (*Report, error) {
	c, err := newChecker(ctx, o)
	if err != nil {
		return nil, err
	}
	candidates, err := c.candidates()
	if err != nil {
		return nil, err
	}
	contracts, err := c.contracts()
	if err != nil {
		return nil, err
	}
	adopt(contracts, candidates)
	history, err := c.history(candidates)
	if err != nil {
		return nil, cmp.Or(c.vacant(nil), err)
	}
	if c.repo == nil { // its root is where annotations count from
		_, _ = c.openRepository()
	}
	c.report.Problems = append(c.report.Problems, candidates.problems...)
	for _, sub := range candidates.subjects {
		if err := c.subject(sub, candidates, history, contracts); err != nil {
			return nil, err
		}
	}
	c.deleted(candidates, history, contracts)
	if err := c.vacant(history); err != nil {
		return nil, err
	}
	if err := c.notes(candidates, history, contracts); err != nil {
		return nil, err
	}
	c.unusedTags()
	c.ends()
	c.waive()
	slices.SortStableFunc(c.report.Subjects, func(a, b Subject) int { return cmp.Compare(a.Name, b.Name) })
	c.report.finish()
	if words := c.nothing(); words != "" {
		c.report.Problems = append(c.report.Problems, Problem{Message: words})
		c.report.finish()
	}
	return c.report, nil
}

// checker is the state of one Run.
type checker struct {
	Options
	ctx    context.Context
	tree   *workTree
	paths  []string // relative to Dir, with slashes
	named  bool     // all paths are files
	gone   []absent // of paths
	looked int      // how often whereNow was asked
	// empty says that there is no candidate, and hasContracts that there are contracts.
	empty, hasContracts bool
	report              *Report
	repo                *repository
	// repoDir is the directory that repo was opened in, and repoTop its root.
	repoDir, repoTop string
	// seen are the fingerprints of the schemas that each subject has now.
	seen map[string][]string
	// fresh are the subjects that nothing was compared with.
	fresh map[*subject]bool
}

func newChecker(ctx context.Context, o Options) (*checker, error) {
	if o.Config == nil {
		o.Config = &Config{}
	}
	if o.Env == nil {
		o.Env = os.Getenv
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	o.Against = cmp.Or(o.Against, o.Config.Against)
	o.Tags = cmp.Or(o.Tags, o.Config.Tags)
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	c := &checker{Options: o, ctx: ctx, report: &Report{
		strict: o.Strict, Subjects: []Subject{}, Problems: []Problem{}, Waivers: []WaiverNote{}, sources: map[string]*source{},
	}, seen: map[string][]string{}, fresh: map[*subject]bool{}}
	c.tree = &workTree{root: dir, show: func(p string) string { return p }, exclude: c.excluded}
	if repo, err := openRepository(ctx, dir); err == nil {
		c.tree.top = filepath.Join(dir, strings.Repeat("../", strings.Count(repo.prefix, "/")))
	}
	return c, c.findPaths()
}

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
	return slices.ContainsFunc(c.Config.Exclude, func(glob string) bool { return matches(glob, rel) })
}

func (c *checker) contractsDir() string {
	if c.Contracts != "" {
		return path.Clean(filepath.ToSlash(c.Contracts))
	}
	return path.Join(filepath.ToSlash(c.ConfigDir), cmp.Or(c.Config.Contracts, "contracts"))
}

// candidates reads the schemas that are checked.
func (c *checker) candidates() (*set, error) {
	var paths []string
	var err error
	if present := c.present(); len(present) > 0 {
		if paths, err = c.tree.list(present); err != nil {
			return nil, err
		}
	}
	if c.excludesBase() {
		own := path.Clean(filepath.ToSlash(strings.TrimPrefix(c.Against, "dir:")))
		paths = slices.DeleteFunc(paths, func(p string) bool { return within(p, []string{own}) })
	}
	if err := c.emptied(paths); err != nil {
		return nil, err
	}
	paths, err = c.withoutIgnored(paths)
	if err != nil {
		return nil, err
	}
	c.empty = len(paths) == 0
	return newSet(c.load(c.tree, paths), false, func() ([]*file, error) { return c.elsewhere(paths) })
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
	repo, err := openRepository(c.ctx, c.tree.root)
	if err != nil {
		return paths, c.ctx.Err() // no git, no .gitignore
	}
	ignored, err := repo.ignored(paths)
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
	if repo, err := openRepository(c.ctx, c.tree.root); err == nil {
		top = cmp.Or(strings.Repeat("../", strings.Count(repo.prefix, "/")), ".")
	}
	for _, p := range c.paths {
		around = append(around, path.Dir(p))
	}
	all, err := c.tree.list(append(around, path.Clean(top)))
	if err != nil {
		return nil, nil // what is not there is reported as an unknown type
	}
	if repo, err := openRepository(c.ctx, c.tree.root); err == nil { // a build's copies may be old
		ignored, err := repo.ignored(all)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(p string) bool { return ignored[p] })
	}
	return c.load(c.tree, slices.DeleteFunc(all, func(p string) bool { return slices.Contains(paths, p) })), nil
}

// contract is a schema that a service reads with.
type contract struct {
	service string
	*version
}

// contracts reads the services' reader schemas, by the name of the schema.
func (c *checker) contracts() (map[string][]contract, error) {
	dir := c.contractsDir()
	full := filepath.Join(c.tree.root, filepath.FromSlash(dir))
	if filepath.IsAbs(c.Contracts) {
		full = c.Contracts
	}
	entries, err := os.ReadDir(full)
	if err != nil {
		if c.Contracts != "" {
			return nil, fmt.Errorf("the contracts' directory %s: %w", dir, cause(err))
		}
		return nil, nil
	}
	all := map[string][]contract{}
	for _, e := range entries {
		service, err := filepath.EvalSymlinks(filepath.Join(full, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("the contracts' directory %s: %s: %w", dir, e.Name(), cause(err))
		}
		info, err := os.Stat(service)
		if err != nil {
			return nil, fmt.Errorf("the contracts' directory %s: %s: %w", dir, e.Name(), cause(err))
		}
		if !info.IsDir() {
			if path.Ext(e.Name()) == extension {
				c.strayContract(dir, e.Name())
			}
			continue
		}
		t := &workTree{root: service, show: func(p string) string { return path.Join(dir, e.Name(), p) }}
		paths, err := t.list(nil)
		if err != nil {
			return nil, err
		}
		files := c.load(t, paths)
		s, err := newSet(files, false, nil)
		if err != nil {
			return nil, err
		}
		c.report.Problems = append(c.report.Problems, s.problems...)
		c.hasContracts = c.hasContracts || len(files) > 0
		for _, sub := range s.subjects {
			all[sub.name] = append(all[sub.name], contract{e.Name(), sub.newest()})
		}
	}
	return all, nil
}

// adopt gives the contracts for names that no candidate has to those that they have as aliases.
func adopt(contracts map[string][]contract, candidates *set) {
	known := map[string]bool{}
	for _, sub := range candidates.subjects {
		for _, name := range sub.names() {
			known[name] = true
		}
	}
	for name, ks := range contracts {
		if known[name] {
			continue
		}
		contracts[name] = slices.DeleteFunc(ks, func(k contract) bool {
			for _, alias := range k.schema.Aliases() {
				if known[alias] {
					contracts[alias] = append(contracts[alias], k)
					return true
				}
			}
			return false
		})
		if len(contracts[name]) == 0 {
			delete(contracts, name)
		}
	}
}

// unusedTags notes that versions were named that no mode looks at.
func (c *checker) unusedTags() {
	for _, s := range c.report.Subjects {
		if c.Tags == "" || strings.HasSuffix(string(s.Mode), "_TRANSITIVE") {
			return
		}
	}
	c.noteAt("", 0, false, "the versions of the tags %s are for the _TRANSITIVE modes, and no schema here has one: only the last version was looked at", c.Tags)
}

// strayContract says that a file in the contracts' directory belongs to no service.
func (c *checker) strayContract(dir, name string) {
	file := path.Join(dir, name)
	c.report.Problems = append(c.report.Problems, Problem{File: file, Message: fmt.Sprintf("%s belongs to no service: %s", file, setAside(dir))})
}

// nothing says why a check compared nothing, "" if it did or that is meant.
func (c *checker) nothing() string {
	s := c.report.Summary
	switch {
	case s.Compared > 0 || s.Exit != 0:
		return ""
	case s.Unchecked > 0 && (s.New == 0 || c.AllowNew):
		return fmt.Sprintf("nothing was checked: the mode of every subject is NONE (from %s)", c.report.Subjects[0].ModeFrom)
	case c.AllowNew || s.New == 0 || !slices.ContainsFunc(c.report.Subjects, func(s Subject) bool { return s.Status == New && !c.Config.allowsNew(s.Name) }):
		return ""
	}
	return fmt.Sprintf("nothing was checked: %s has none of the %s here; if they are all new, say so with --allow-new (or \"new: allow\" under schema: in troupe.yaml)", c.report.Against, count(s.New, "schema"))
}
