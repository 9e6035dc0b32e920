package check

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-go/troupe/internal/git"
)

// repository is a git repository, asked through the git program.
type repository struct {
	ctx context.Context
	dir string
	// prefix is dir within the repository, "" for its root, else with a slash behind.
	prefix string
	// own says that the repository is the one around dir, whatever GIT_DIR says: a hook in a worktree has that set, and
	// git then takes any directory for the root of the repository.
	own   bool
	blobs map[string][]byte
	sets  map[string]*set // by the files that a commit has
}

func openRepository(ctx context.Context, dir string) (*repository, error) {
	r := &repository{ctx: ctx, dir: dir, own: true, blobs: map[string][]byte{}, sets: map[string]*set{}}
	prefix, err := r.git("rev-parse", "--show-prefix")
	if errors.Is(err, git.ErrNoRepository) {
		r.own = false
		prefix, err = r.git("rev-parse", "--show-prefix")
	}
	if err != nil {
		return nil, err
	}
	r.prefix = strings.TrimSuffix(prefix, "\n")
	return r, nil
}

// up leads from dir to the repository's root.
func (r *repository) up() string {
	return path.Clean(strings.Repeat("../", strings.Count(r.prefix, "/")))
}

// git runs git and returns its output.
func (r *repository) git(args ...string) (string, error) {
	out, err := r.pipe(nil, args...)
	return string(out), err
}

func (r *repository) pipe(in io.Reader, args ...string) ([]byte, error) {
	out, err := git.Command{Dir: r.dir, In: in, Own: r.own}.Run(r.ctx, args...)
	if errors.Is(err, git.ErrNotInstalled) {
		err = fmt.Errorf("%w: install it, or compare with a directory or a file (--against DIR)", err)
	}
	return out, err
}

// commit returns the full id of what a revision names.
func (r *repository) commit(revision string) (string, bool) {
	id, err := r.git("rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	return strings.TrimSpace(id), err == nil
}

func (r *repository) shallow() bool {
	said, err := r.git("rev-parse", "--is-shallow-repository")
	return err == nil && strings.TrimSpace(said) == "true"
}

// hint says how to get history that a clone may lack.
func (r *repository) hint() string {
	if r.shallow() {
		return "; this is a shallow clone: fetch the history first (actions/checkout: fetch-depth: 0; elsewhere: " + git.FetchHistory + ")"
	}
	return ""
}

// base is a commit to compare with.
type base struct {
	commit string
	// name is what people call it, and how it was chosen.
	name, how string
}

func (b base) label() string {
	if b.name == short(b.commit) {
		return b.name
	}
	return b.name + "@" + short(b.commit)
}

// called is what to call a commit that somebody named: nobody reads the 40 digits of an id.
func called(revision, commit string) string {
	if len(revision) > 7 && strings.HasPrefix(commit, strings.ToLower(revision)) {
		return short(commit)
	}
	return revision
}

func short(commit string) string { return commit[:min(len(commit), 7)] }

// mainBase finds what a change is compared with when nobody said it: the merge base with
// the main branch, or on that branch what was there before.
func (r *repository) mainBase(env func(string) string) (base, error) {
	head, ok := r.commit("HEAD")
	if !ok {
		return base{}, &beginning{"the git repository has no commit yet", "nothing: there is no commit yet"}
	}
	name, tip, err := r.mainBranch(env)
	if err != nil {
		return base{}, err
	}
	if tip == head {
		return r.before(env, head, name)
	}
	b, err := r.mergeBase(name, tip, head)
	if err == nil && b.commit == head {
		return r.before(env, head, name)
	}
	return b, err
}

// before is what HEAD is compared with when it is on the main branch.
func (r *repository) before(env func(string) string, head, name string) (base, error) {
	changed, err := r.git("status", "--porcelain", "--", ":(top,glob)**/*"+extension)
	if err != nil {
		return base{}, err
	}
	if strings.TrimSpace(changed) != "" && env("CI") == "" { // there it is what a build made
		return base{head, name, "only what is not committed yet differs from it"}, nil
	}
	parent, ok := r.commit(head + "^")
	if !ok {
		if hint := r.hint(); hint != "" {
			return base{}, fmt.Errorf("HEAD is on %s, and its parent is not here%s", name, hint)
		}
		return base{}, &beginning{fmt.Sprintf("HEAD is the first commit of %s", name), "nothing: HEAD is the first commit"}
	}
	return base{parent, "HEAD^", "the commit before HEAD, which is on " + name}, nil
}

// mainBranch finds the branch that changes go into: what the CI system says, else the remote's, else main or master.
func (r *repository) mainBranch(env func(string) string) (name, tip string, err error) {
	var names []string
	for _, variable := range []string{"GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"} {
		if branch := env(variable); branch != "" {
			name := "origin/" + branch
			tip, ok := r.commit("refs/remotes/" + name)
			if !ok {
				return "", "", fmt.Errorf("the target branch %s (%s) is not in this clone%s", name, variable, r.orFetch(branch))
			}
			return name, tip, nil
		}
	}
	if ref, err := r.git("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"); err == nil {
		names = append(names, strings.TrimPrefix(strings.TrimSpace(ref), "refs/remotes/"))
	}
	for _, name := range append(names, "origin/main", "origin/master", "main", "master") {
		for _, space := range []string{"refs/remotes/", "refs/heads/"} {
			if tip, ok := r.commit(space + name); ok {
				return name, tip, nil
			}
		}
	}
	if only := r.onlyBranch(); only != "" && !r.shallow() {
		return "", "", fmt.Errorf("this clone has only the branch %s: git fetch origin main:refs/remotes/origin/main", only)
	}
	return "", "", fmt.Errorf("the git repository has neither main nor master: say what to compare with (--against BRANCH|TAG|COMMIT, or for good \"against: BRANCH\" under schema: in troupe.yaml)%s", r.hint())
}

// onlyBranch is the branch of the remote's that a clone of a single one has, "" for other repositories.
func (r *repository) onlyBranch() string {
	said, err := r.git("config", "--get-all", "remote.origin.fetch")
	if err != nil {
		return ""
	}
	of, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(said), "+"), ":")
	if !ok || strings.ContainsAny(of+rest, "*\n") {
		return ""
	}
	return strings.TrimPrefix(of, "refs/heads/")
}

// beginning is the error of a repository in which nothing was before.
type beginning struct{ words, against string }

func (e *beginning) Error() string {
	return e.words + ", so there is nothing to compare with: if every schema is new, say so with --allow-new (or \"new: allow\" in troupe.yaml); else say with what to compare (--against DIR|FILE|registry)"
}

func (r *repository) orFetch(branch string) string {
	if hint := r.hint(); hint != "" {
		return hint
	}
	return fmt.Sprintf(": git fetch origin %s:refs/remotes/origin/%[1]s", branch)
}

func (r *repository) mergeBase(name, tip, head string) (base, error) {
	id, err := r.git("merge-base", tip, head)
	if err != nil {
		return base{}, fmt.Errorf("HEAD and %s have no commit in common here%s", name, r.orSay())
	}
	return base{strings.TrimSpace(id), name, "merge base of HEAD and " + name}, nil
}

func (r *repository) orSay() string {
	if hint := r.hint(); hint != "" {
		return hint
	}
	return ": name the commit itself (--against COMMIT)"
}

// namedBase finds the commit of a revision: of a branch, where HEAD left it.
func (r *repository) namedBase(env func(string) string, revision string) (base, error) {
	id, ok := r.commit(revision)
	if !ok {
		return base{}, fmt.Errorf("git knows no branch, tag or commit %q%s", revision, r.orList())
	}
	head, ok := r.commit("HEAD")
	if !ok || !r.isBranch(revision) {
		return base{id, called(revision, id), ""}, nil
	}
	if head == id { // with itself it would always be compatible
		return r.before(env, head, revision)
	}
	b, err := r.mergeBase(revision, id, head)
	if err == nil && b.commit == head { // HEAD lies behind the branch
		return base{id, revision, "its tip, as HEAD is behind it"}, nil
	}
	return b, err
}

func (r *repository) orList() string {
	if hint := r.hint(); hint != "" {
		return hint
	}
	return " (git branch -a and git tag list them)"
}

func (r *repository) isBranch(revision string) bool {
	full, err := r.git("rev-parse", "--symbolic-full-name", "--verify", "--quiet", "--end-of-options", revision)
	return err == nil && (strings.HasPrefix(full, "refs/heads/") || strings.HasPrefix(full, "refs/remotes/")) && revision != "HEAD"
}

// tags returns the tags that match a glob, in the order of their version numbers.
func (r *repository) tags(glob string) ([]base, error) {
	out, err := r.git("for-each-ref", "--sort=v:refname", "--format=%(refname:strip=2)%00%(objectname)%00%(*objectname)", "refs/tags")
	if err != nil {
		return nil, err
	}
	var all []base
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), "\x00")
		if len(f) < 3 {
			continue
		}
		if ok, err := path.Match(glob, f[0]); err != nil {
			return nil, fmt.Errorf("%q is no glob: %w", glob, err)
		} else if !ok {
			continue
		}
		if id, ok := r.commit("refs/tags/" + f[0]); ok { // a tag may name something else than a commit
			all = append(all, base{commit: id, name: f[0]})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no git tag matches %q%s", glob, r.orTags())
	}
	return all, nil
}

func (r *repository) orTags() string {
	if hint := r.hint(); hint != "" {
		return hint
	}
	return " (git tag lists them; git fetch --tags gets them)"
}

// ignored returns which of the paths, relative to dir, git ignores.
func (r *repository) ignored(paths []string) (map[string]bool, error) {
	own := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return otherRepository(r.dir, r.dir, p) != "" }) // git refuses all for one of these
	out, err := r.pipe(strings.NewReader(strings.Join(own, "\x00")), "check-ignore", "-z", "--stdin")
	if err != nil && len(out) == 0 { // it ends with 1 when there is none
		return nil, nil
	}
	ignored := map[string]bool{}
	for p := range strings.SplitSeq(string(out), "\x00") {
		ignored[p] = true
	}
	return ignored, nil
}

// notCheckedOut returns the ids of the .avsc files that a sparse checkout leaves out, by path.
func (r *repository) notCheckedOut() (map[string]string, error) {
	out, err := r.git("ls-files", "-z", "-t", "--stage", "--full-name", "--", ":(top,glob)**/*"+extension)
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for entry := range strings.SplitSeq(out, "\x00") {
		about, p, _ := strings.Cut(entry, "\t")
		if f := strings.Fields(about); len(f) == 4 && f[0] == "S" {
			ids[p] = f[2]
		}
	}
	return ids, nil
}

// commitTree is the tree of a commit. Its paths are relative to the repository's root.
type commitTree struct {
	repo *repository
	base base
	ids  map[string]string // of the .avsc files, by path
}

func (r *repository) tree(b base) (*commitTree, error) {
	out, err := r.git("ls-tree", "-r", "-z", "--full-tree", b.commit)
	if err != nil {
		return nil, err
	}
	t := &commitTree{r, b, map[string]string{}}
	for entry := range strings.SplitSeq(out, "\x00") {
		about, p, ok := strings.Cut(entry, "\t")
		f := strings.Fields(about)
		if ok && len(f) == 3 && f[1] == "blob" && f[0] != "120000" && path.Ext(p) == extension {
			t.ids[p] = f[2]
		}
	}
	return t, nil
}

// list returns the paths of all .avsc files under the given ones, sorted; all of them for none.
func (t *commitTree) list(under []string) ([]string, error) {
	var all []string
	for p := range t.ids {
		if within(p, under) {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all, nil
}

// fingerprint is what the tree's files are, for all who have the same ones.
func (t *commitTree) fingerprint(paths []string) string {
	var b strings.Builder
	for _, p := range paths {
		b.WriteString(t.ids[p] + " " + p + "\x00")
	}
	return b.String()
}

// load reads files that list gave.
func (t *commitTree) load(paths []string) ([]*file, error) {
	var missing []string
	for _, p := range paths {
		if _, ok := t.repo.blobs[t.ids[p]]; !ok {
			missing = append(missing, t.ids[p])
		}
	}
	if err := t.repo.readBlobs(missing); err != nil {
		return nil, err
	}
	files := make([]*file, len(paths))
	for i, p := range paths {
		text := t.repo.blobs[t.ids[p]]
		files[i] = &file{path: p, show: short(t.base.commit) + ":" + p, text: text}
		if len(text) > largestFile {
			files[i].err = tooLarge(int64(len(text)))
		}
	}
	return files, nil
}

func (r *repository) readBlobs(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	out, err := r.pipe(strings.NewReader(strings.Join(ids, "\n")+"\n"), "cat-file", "--batch")
	if err != nil {
		return err
	}
	in := bufio.NewReader(bytes.NewReader(out))
	for _, id := range ids {
		header, err := in.ReadString('\n')
		if err != nil {
			return fmt.Errorf("git cat-file: %w", err)
		}
		f := strings.Fields(header)
		if len(f) != 3 { // "<id> missing": a partial clone without its remote
			return fmt.Errorf("git has no content for object %s: is the clone complete?", short(id))
		}
		size, err := strconv.Atoi(f[2])
		if err != nil {
			return fmt.Errorf("git cat-file: %w", err)
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			return fmt.Errorf("git cat-file: %w", err)
		}
		if _, err := in.Discard(1); err != nil {
			return fmt.Errorf("git cat-file: %w", err)
		}
		r.blobs[id] = text
	}
	return nil
}
