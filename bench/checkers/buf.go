package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// buf checks Protobuf: other rules, where fields have numbers, and without a direction. So it gets a table of its own.
type buf struct {
	program, dir, said string
}

// bufCategories are its sets of rules, from the strictest.
var bufCategories = []string{"FILE", "WIRE_JSON", "WIRE"}

// openBuf takes a program, or a version, which is installed under build in root.
func openBuf(ctx context.Context, program, root, dir string) (*buf, error) {
	if strings.HasPrefix(program, "v") && strings.Contains(program, ".") {
		install := exec.CommandContext(ctx, "go", "install", "github.com/bufbuild/buf/cmd/buf@"+program)
		bin := filepath.Join(root, "build", "checkers", "buf-"+program)
		install.Env = append(install.Environ(), "GOBIN="+bin)
		if _, _, err := output(install); err != nil {
			return nil, err
		}
		program = filepath.Join(bin, "buf")
	}
	if _, err := exec.LookPath(program); err != nil {
		return nil, fmt.Errorf("-buf names another program, or a version to install such as v1.75.0: %w", err)
	}
	out, _, err := output(exec.CommandContext(ctx, program, "--version"))
	return &buf{program: program, dir: dir, said: strings.TrimSpace(string(out))}, err
}

func (b *buf) title() string   { return "buf" }
func (b *buf) version() string { return b.said }
func (b *buf) close() error    { return nil }

// bufAnswer is what buf says of a change.
type bufAnswer struct {
	Change      string             `json:"change"`
	NewReadsOld verdict            `json:"new_reads_old,omitempty"` // the right ones, in Avro
	OldReadsNew verdict            `json:"old_reads_new,omitempty"`
	Verdicts    map[string]verdict `json:"verdicts"`       // by category
	Said        []string           `json:"said,omitempty"` // with FILE
}

func (b *buf) ask(ctx context.Context, changes []change) ([]bufAnswer, error) {
	var answers []bufAnswer
	for _, c := range changes {
		if c.OldProto == "" {
			continue
		}
		dir := filepath.Join(b.dir, "buf", c.Name)
		a := bufAnswer{Change: c.Name, Verdicts: map[string]verdict{}}
		if c.NewReadsOld != nil {
			a.NewReadsOld, a.OldReadsNew = c.NewReadsOld.Verdict, c.OldReadsNew.Verdict
		}
		for _, category := range bufCategories {
			if err := writeProtos(dir, []change{c}, category); err != nil {
				return nil, err
			}
			said, _, err := b.breaking(ctx, dir)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			a.Verdicts[category] = works
			if len(said) > 0 {
				a.Verdicts[category] = breaks
			}
			if category == bufCategories[0] {
				a.Said = said
			}
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// breaking returns what breaks, a line for each.
func (b *buf) breaking(ctx context.Context, dir string) ([]string, cost, error) {
	cmd := exec.CommandContext(ctx, b.program, "breaking", "new", "--against", "old")
	cmd.Dir = dir
	out, took, err := output(cmd)
	if failed := new(exec.ExitError); errors.As(err, &failed) && failed.ExitCode() == 100 && len(out) > 0 {
		return strings.Split(strings.TrimSpace(string(out)), "\n"), took, nil
	}
	return nil, took, err
}

// writeProtos writes modules old and new. A file whose message is gone keeps another, because a module needs one.
func writeProtos(dir string, changes []change, category string) error {
	const other = "syntax = \"proto3\";\npackage kept.v1;\nmessage Kept {}\n"
	files := map[string]string{"old/buf.yaml": "version: v2\n", "new/buf.yaml": "version: v2\nbreaking:\n  use: [" + category + "]\n", "old/kept.proto": other, "new/kept.proto": other}
	for i, c := range changes {
		name := fmt.Sprintf("order%d.proto", i)
		files["old/"+name] = c.OldProto
		if c.NewProto != "" {
			files["new/"+name] = c.NewProto
		}
	}
	return writeFiles(dir, files)
}

func (b *buf) prepare(_ context.Context, w work) (stopwatch, error) {
	dir := filepath.Join(b.dir, "buf-time", w.key)
	if err := writeProtos(dir, w.changes, bufCategories[0]); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (cost, error) {
		said, took, err := b.breaking(ctx, dir)
		if err == nil && len(said) < len(w.changes) {
			err = fmt.Errorf("buf says that %s do not all break", w.name)
		}
		return took, err
	}, nil
}
