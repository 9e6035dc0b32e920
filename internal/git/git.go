// Package git runs the git program.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

var (
	// ErrNotInstalled says that there is no git on the PATH.
	ErrNotInstalled = errors.New("git is not installed or not on the PATH")
	// ErrNoRepository says that git was run outside of a repository.
	ErrNoRepository = errors.New("not in a git repository")
)

// FetchHistory is what brings the history of a shallow clone, also of one that has a single branch.
const FetchHistory = "git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'"

// Command is one call of git. The zero value of each field means its default.
type Command struct {
	Dir string    // defaults to the current directory
	In  io.Reader // defaults to nothing
	// Own finds the repository of Dir even where the environment names another one, as in a hook.
	Own bool
}

// Run runs git with args and returns its output. It asks for nothing and locks nothing.
//
// Errors: ctx.Err() when ctx ended, ErrNotInstalled, ErrNoRepository, otherwise one
// line of what git said.
func (c Command) Run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Stdin = c.Dir, c.In
	env := cmd.Environ()
	if c.Own {
		env = slices.DeleteFunc(env, func(v string) bool {
			name, _, _ := strings.Cut(v, "=")
			return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"}, name)
		})
	}
	cmd.Env = append(env, "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	switch {
	case err == nil:
		return out.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, ErrNotInstalled
	}
	said, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
	switch {
	case strings.Contains(said, "not a git repository"):
		return nil, ErrNoRepository
	case said == "":
		said = err.Error()
	case strings.Contains(said, "dubious ownership"): // a container's user is not that of the checkout
		said += `: git config --global --add safe.directory "$PWD"`
	}
	return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimPrefix(said, "fatal: "))
}
