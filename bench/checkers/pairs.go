package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hamba/avro/v2"

	"github.com/troupe-go/troupe/schema"
)

// pairProgram is a checker of two schemas. As a program of its own it reads a pair in JSON from each line of standard
// input and writes the answer to standard output; "version" as its argument makes it print the version of the library
// that it asks. So all libraries are asked, and timed, alike.
type pairProgram struct {
	name    string
	command []string // without the argument: "answer", "decode" or "version"
	library string   // its version
	decodes bool
}

// openPairProgram asks for the version, to see that it runs.
func openPairProgram(ctx context.Context, name string, command ...string) (*pairProgram, error) {
	p := &pairProgram{name: name, command: command}
	out, _, err := p.run(ctx, "version", nil)
	p.library = strings.TrimSpace(string(out))
	return p, err
}

func (p *pairProgram) title() string   { return p.name }
func (p *pairProgram) version() string { return p.library }
func (p *pairProgram) close() error    { return nil }

func (p *pairProgram) run(ctx context.Context, what string, in []byte) ([]byte, cost, error) {
	cmd := exec.CommandContext(ctx, p.command[0], append(p.command[1:len(p.command):len(p.command)], what)...)
	cmd.Stdin = bytes.NewReader(in)
	return output(cmd)
}

// output is the standard output of a program and what the run cost; the error has what it said on standard error.
func output(cmd *exec.Cmd) (out []byte, c cost, err error) {
	began := time.Now()
	out, err = cmd.Output()
	c.wall = time.Since(began)
	if ended := cmd.ProcessState; ended != nil {
		c.cpu = ended.UserTime() + ended.SystemTime()
	}
	if err != nil {
		err = fmt.Errorf("run %s: %w", strings.Join(cmd.Args, " "), err)
		if failed := new(exec.ExitError); errors.As(err, &failed) && len(failed.Stderr) > 0 {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(failed.Stderr))
		}
	}
	return out, c, err
}

func (p *pairProgram) judge(ctx context.Context, qs []question) ([]answer, error) {
	what := "answer"
	if p.decodes {
		what = "decode"
	}
	in, n, err := lines(qs)
	if err != nil {
		return nil, err
	}
	out, _, err := p.run(ctx, what, in)
	if err != nil {
		return nil, err
	}
	got, err := readAnswers(out, n)
	if err != nil {
		return nil, err
	}
	answers := make([]answer, len(qs))
	for i, q := range qs {
		for range q.pairs() {
			answers[i], got = worst(answers[i], got[0]), got[1:]
		}
	}
	return answers, nil
}

// worst is the answer that counts when both have to work.
func worst(a, b answer) answer {
	if a.Verdict == unasked || a.Verdict == works {
		return b
	}
	return a
}

func (p *pairProgram) prepare(_ context.Context, w work) (stopwatch, error) {
	in, n, err := lines(w.questions())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (cost, error) {
		out, c, err := p.run(ctx, "answer", in)
		if err != nil {
			return c, err
		}
		answers, err := readAnswers(out, n)
		if err != nil {
			return c, err
		}
		return c, allBreak(answers)
	}, nil
}

// lines is a program's standard input, and the number of pairs in it.
func lines(qs []question) ([]byte, int, error) {
	var b bytes.Buffer
	e, n := json.NewEncoder(&b), 0
	for _, q := range qs {
		for _, p := range q.pairs() {
			if err := e.Encode(p); err != nil {
				return nil, 0, err
			}
			n++
		}
	}
	return b.Bytes(), n, nil
}

func readAnswers(out []byte, n int) ([]answer, error) {
	d := json.NewDecoder(bytes.NewReader(out))
	answers := make([]answer, n)
	for i := range answers {
		if err := d.Decode(&answers[i]); err != nil {
			return nil, fmt.Errorf("read answer %d of %d: %w", i+1, n, err)
		}
	}
	return answers, nil
}

// library is a checker in Go, which this program becomes when it is told its key.
type library struct {
	name    string
	version func() string
	answer  func(pair) answer
}

var libraries = map[string]library{
	"troupe": {"Troupe, schema.Resolve", func() string { return "this checkout" }, askTroupe},
	"hamba":  {"hamba", func() string { return moduleVersion("github.com/hamba/avro/v2") }, askHamba},
}

// serve is the pairProgram of a library.
func serve(l library, what string, in io.Reader, out io.Writer) error {
	if what == "version" {
		_, err := fmt.Fprintln(out, l.version())
		return err
	}
	d, e := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var p pair
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := e.Encode(l.answer(p)); err != nil {
			return err
		}
	}
}

func openLibrary(ctx context.Context, key string) (*pairProgram, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return openPairProgram(ctx, libraries[key].name, self, asLibrary, key)
}

func moduleVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == path {
			return strings.TrimPrefix(m.Version, "v")
		}
	}
	return "unknown"
}

func askTroupe(p pair) answer {
	reader, err := schema.Parse(p.Reader)
	if err != nil {
		return answer{Verdict: refused, Said: []string{err.Error()}}
	}
	writer, err := schema.Parse(p.Writer)
	if err != nil {
		return answer{Verdict: refused, Said: []string{err.Error()}}
	}
	_, err = schema.Resolve(writer, reader)
	mismatch := new(schema.MismatchError)
	switch {
	case err == nil:
		return answer{Verdict: works}
	case !errors.As(err, &mismatch):
		return answer{Verdict: threw, Said: []string{err.Error()}}
	}
	a := answer{Verdict: breaks}
	for _, v := range mismatch.Violations {
		a.Said = append(a.Said, v.String())
	}
	return a
}

func askHamba(p pair) answer {
	// Its cache would take a name's first definition for the second one too.
	reader, err := avro.ParseWithCache(p.Reader, "", &avro.SchemaCache{})
	if err != nil {
		return answer{Verdict: refused, Said: []string{err.Error()}}
	}
	writer, err := avro.ParseWithCache(p.Writer, "", &avro.SchemaCache{})
	if err != nil {
		return answer{Verdict: refused, Said: []string{err.Error()}}
	}
	if err := avro.NewSchemaCompatibility().Compatible(reader, writer); err != nil {
		return answer{Verdict: breaks, Said: []string{err.Error()}}
	}
	return answer{Verdict: works}
}
