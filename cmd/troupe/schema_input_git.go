package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// fromGit returns the schema in a file of a commit.
func (o *sourceOptions) fromGit(ctx context.Context, ref, path string) (*source, error) {
	name := ref + ":" + path
	if _, err := git(ctx, "rev-parse", "--git-dir"); err != nil {
		return nil, fmt.Errorf("there is no file %s, and as a file in git it can't be read: %w", name, err)
	}
	if _, err := git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}"); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		hint := "git branch -a and git tag list what there is; git fetch gets what is missing"
		if said, err := git(ctx, "rev-parse", "--is-shallow-repository"); err == nil && said == "true" {
			hint = "this is a shallow clone: git fetch --unshallow (actions/checkout: fetch-depth: 0) gets the rest"
		}
		return nil, fmt.Errorf("%s: git knows no branch, tag or commit %q; %s", name, ref, hint)
	}
	kind, err := git(ctx, "cat-file", "-t", name)
	switch {
	case err != nil && isInGit(ctx, ref+":./"+path):
		return nil, fmt.Errorf("%s has no file %s; the path counts from the repository's root: write %[1]s:./%[2]s for one from here", ref, path)
	case err != nil:
		return nil, fmt.Errorf("%s has no file %s; git ls-tree -r --name-only %[1]s lists its files", ref, path)
	case kind != "blob":
		return nil, fmt.Errorf("%s is a directory: name one schema file in it", name)
	}
	text, err := git(ctx, "cat-file", "blob", name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return o.parse(name, text)
}

func isInGit(ctx context.Context, object string) bool {
	_, err := git(ctx, "cat-file", "-e", object)
	return err == nil
}

// git runs git and returns its output, without the last line break.
func git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	switch {
	case err == nil:
		return strings.TrimSuffix(out.String(), "\n"), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("git is not installed or not on the PATH")
	}
	said, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(errs.String()), "fatal: "), "\n")
	if strings.Contains(said, "not a git repository") {
		said = "this is no git repository"
	}
	if said == "" {
		said = err.Error()
	}
	return "", errors.New(said)
}
