package check

import (
	"cmp"
	"context"
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
	c.problems(candidates, history)
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
	if err := c.generated(candidates); err != nil {
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
	// around is the git repository that Dir is in, nil if it is in none.
	around *repository
	// repo is the one that the first path is in, repoDir the directory that it was opened in, and repoTop its root.
	repo             *repository
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
		c.around = repo
		c.tree.top = filepath.Join(dir, repo.up())
	}
	return c, c.findPaths()
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
