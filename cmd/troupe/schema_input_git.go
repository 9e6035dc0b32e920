package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe/internal/git"
)

// fromGit returns the schema in a file of a commit.
func (o *sourceOptions) fromGit(ctx context.Context, ref, path string) (*source, error) {
	name := ref + ":" + path
	if _, err := runGit(ctx, "rev-parse", "--git-dir"); err != nil {
		return nil, fmt.Errorf("there is no file %s, and as a file in git it can't be read: %w", name, err)
	}
	if _, err := runGit(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}"); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		hint := "git branch -a and git tag list what there is; git fetch gets what is missing"
		if said, err := runGit(ctx, "rev-parse", "--is-shallow-repository"); err == nil && said == "true" {
			hint = "this is a shallow clone: " + git.FetchHistory + " gets the rest (actions/checkout: fetch-depth: 0)"
		}
		return nil, fmt.Errorf("%s: git knows no branch, tag or commit %q; %s", name, ref, hint)
	}
	kind, err := runGit(ctx, "cat-file", "-t", name)
	switch {
	case err != nil && isInGit(ctx, ref+":./"+path):
		return nil, fmt.Errorf("%s has no file %s; the path counts from the repository's root: write %[1]s:./%[2]s for one from here", ref, path)
	case err != nil:
		return nil, fmt.Errorf("%s has no file %s; git ls-tree -r --name-only %[1]s lists its files", ref, path)
	case kind != "blob":
		return nil, fmt.Errorf("%s is a directory: name one schema file in it", name)
	}
	text, err := runGit(ctx, "cat-file", "blob", name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return o.parse(name, text)
}

func isInGit(ctx context.Context, object string) bool {
	_, err := runGit(ctx, "cat-file", "-e", object)
	return err == nil
}

// runGit runs git and returns its output, without the last line break.
func runGit(ctx context.Context, args ...string) (string, error) {
	out, err := git.Command{}.Run(ctx, args...)
	if errors.Is(err, git.ErrNoRepository) {
		err = errors.New("this is no git repository")
	}
	return strings.TrimSuffix(string(out), "\n"), err
}
