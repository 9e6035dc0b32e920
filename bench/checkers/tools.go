package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
)

// tool can be timed.
type tool interface {
	title() string
	version() string
	// prepare makes everything ready for a work.
	prepare(ctx context.Context, w work) (stopwatch, error)
	close() error
}

// checker is a tool for Avro.
type checker interface {
	tool
	// judge answers the questions in their order; the Verdict of those that it does not know is unasked.
	judge(ctx context.Context, qs []question) ([]answer, error)
}

// places is where tools are and may write.
type places struct {
	root        string // of Troupe's own module
	dir         string // temporary
	python, buf string // from the flags
	registry    troupe.Registry
}

// openers open the tools by the names that -tools has for them.
var openers = []struct {
	key, title string
	open       func(ctx context.Context, p places) (tool, error)
}{
	{"troupe", libraries["troupe"].name, func(ctx context.Context, _ places) (tool, error) { return openLibrary(ctx, "troupe") }},
	{"check", "Troupe, schema check", func(ctx context.Context, p places) (tool, error) { return openCLI(ctx, p.root, p.dir) }},
	{"java", "Avro Java", func(ctx context.Context, p places) (tool, error) { return openJava(ctx, p.root) }},
	{"registry", "Apicurio", func(ctx context.Context, p places) (tool, error) { return openRegistry(ctx, p.registry) }},
	{"hamba", libraries["hamba"].name, func(ctx context.Context, _ places) (tool, error) { return openLibrary(ctx, "hamba") }},
	{"python", "Python avro", func(ctx context.Context, p places) (tool, error) { return openPython(ctx, p.python) }},
	{"buf", "buf", func(ctx context.Context, p places) (tool, error) { return openBuf(ctx, p.buf, p.root, p.dir) }},
}

// openTools opens all tools and says which are left out and why, or opens those that are named, which have to be there.
func openTools(ctx context.Context, p places, named []string) (tools []tool, without []leftOut, err error) {
	without = []leftOut{} // not null in JSON
	for _, o := range openers {
		if len(named) > 0 && !slices.Contains(named, o.key) {
			without = append(without, leftOut{o.title, "-tools does not name " + o.key})
			continue
		}
		t, err := o.open(ctx, p)
		switch {
		case err == nil:
			tools = append(tools, t)
		case len(named) > 0 || ctx.Err() != nil:
			return tools, nil, fmt.Errorf("%s: %w", o.title, err)
		default:
			without = append(without, leftOut{o.title, err.Error()})
		}
	}
	return tools, without, nil
}

func toolKeys() []string {
	var keys []string
	for _, o := range openers {
		keys = append(keys, o.key)
	}
	return keys
}

// moduleRoot is the directory of Troupe's module.
func moduleRoot(ctx context.Context) (string, error) {
	out, _, err := output(exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/troupe-go/troupe"))
	if err != nil {
		return "", fmt.Errorf("find Troupe's module (run it in bench): %w", err)
	}
	return filepath.Clean(strings.TrimSpace(string(out))), nil
}
