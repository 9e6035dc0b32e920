package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cli is Troupe's schema check, as people call it.
type cli struct {
	program, dir string
}

// openCLI builds the command from root, so that it has to be this checkout's.
func openCLI(ctx context.Context, root, dir string) (*cli, error) {
	c := &cli{program: filepath.Join(dir, "troupe"), dir: dir}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", c.program, "./cmd/troupe")
	cmd.Dir = root
	_, _, err := output(cmd)
	return c, err
}

func (c *cli) title() string   { return "Troupe, schema check" }
func (c *cli) version() string { return "this checkout" }
func (c *cli) close() error    { return nil }

func (c *cli) judge(ctx context.Context, qs []question) ([]answer, error) {
	answers := make([]answer, len(qs))
	for i, q := range qs {
		dir := filepath.Join(c.dir, "check", fmt.Sprint(i))
		args, err := c.lay(dir, q)
		if err != nil {
			return nil, err
		}
		if answers[i], err = c.check(ctx, dir, args); err != nil {
			return nil, fmt.Errorf("%s, %s: %w", q.change.Name, q.direction, err)
		}
	}
	return answers, nil
}

// lay writes a question's files, and returns the arguments that ask it. Two files are compared with each other whatever
// the names in them; schemas of directories, which a deletion and a history need, are found by their names.
func (c *cli) lay(dir string, q question) ([]string, error) {
	files := map[string]string{"new.avsc": q.change.New, "old.avsc": q.change.Old}
	args := []string{"new.avsc", "--against", "old.avsc"}
	switch q.direction {
	case deleted:
		const other = `{"type": "record", "name": "Kept", "namespace": "shop", "fields": []}`
		files = map[string]string{"old/order_placed.avsc": q.change.Old, "old/kept.avsc": other, "new/kept.avsc": other}
		args = []string{"new", "--against", "old"}
	case newReadsOlder:
		files = map[string]string{"old/shop.OrderPlaced/1.avsc": q.change.Older, "old/shop.OrderPlaced/2.avsc": q.change.Old, "new/order_placed.avsc": q.change.New}
		args = []string{"new", "--against", "old"}
	}
	return append(args, "--mode", q.direction.mode(), "--output", "json"), writeFiles(dir, files)
}

// check reads the report of one run.
func (c *cli) check(ctx context.Context, dir string, args []string) (answer, error) {
	out, code, _, err := c.run(ctx, dir, args)
	if err != nil {
		return answer{}, err
	}
	if code == 2 {
		return answer{Verdict: refused, Said: []string{strings.TrimSpace(string(out))}}, nil
	}
	var report struct {
		Subjects []struct {
			Findings []struct {
				Rule, Problem string
				Warning       bool
				Versions      []string
				New           struct {
					File         string
					Line, Column int
				}
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return answer{}, fmt.Errorf("read the report of schema check: %w", err)
	}
	a := answer{Verdict: works}
	if code == 1 {
		a.Verdict = breaks
	}
	for _, s := range report.Subjects {
		for _, f := range s.Findings {
			if f.Warning {
				continue
			}
			said := f.Rule + ": " + f.Problem
			if f.New.Line > 0 {
				said = fmt.Sprintf("%s:%d:%d: %s", f.New.File, f.New.Line, f.New.Column, said)
			}
			if len(f.Versions) > 0 {
				said += " (" + strings.Join(f.Versions, ", ") + ")"
			}
			a.Said = append(a.Said, said)
		}
	}
	return a, nil
}

// run returns an exit code that is a verdict, and the report: 0, 1, or 2 for what could not be checked, with the reason
// instead of the report.
func (c *cli) run(ctx context.Context, dir string, args []string) (out []byte, code int, took cost, err error) {
	cmd := exec.CommandContext(ctx, c.program, append([]string{"schema", "check"}, args...)...)
	cmd.Dir = dir
	out, took, err = output(cmd)
	if failed := new(exec.ExitError); errors.As(err, &failed) && (failed.ExitCode() == 1 || failed.ExitCode() == 2) {
		if failed.ExitCode() == 2 {
			out = failed.Stderr
		}
		return out, failed.ExitCode(), took, nil
	}
	return out, 0, took, err
}

func (c *cli) prepare(_ context.Context, w work) (stopwatch, error) {
	dir := filepath.Join(c.dir, "time", w.key)
	files := map[string]string{}
	for i, change := range w.changes {
		files[fmt.Sprintf("old/%d.avsc", i)], files[fmt.Sprintf("new/%d.avsc", i)] = change.Old, change.New
	}
	if err := writeFiles(dir, files); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (cost, error) {
		_, code, took, err := c.run(ctx, dir, []string{"new", "--against", "old"})
		if err == nil && code != 1 {
			err = fmt.Errorf("schema check of %s exits with %d, not with 1", w.name, code)
		}
		return took, err
	}, nil
}

// writeFiles writes files, by their paths under dir.
func writeFiles(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
