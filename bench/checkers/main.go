// Checkers asks Troupe and other schema checkers what breaks in changes as people make them, and counts who is right.
// The changes are in changes, each with the right verdict and the section of the Avro specification, 1.12.0
// (https://avro.apache.org/docs/1.12.0/specification/), that makes it so. Where that is silent, a break is right,
// because decoders differ.
//
//	cd bench && go run ./checkers
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/troupe-go/troupe"
)

const usage = `Checkers asks Troupe and other schema checkers what breaks in changes as people make
them, and counts who is right.

usage: cd bench && go run ./checkers [flags]

  -tools LIST     ask these, and fail if one is not there: %s
                  (default: all; those that are not there are named as left out)
  -python PYTHON  a Python that has avro (else left out)
  -buf PROGRAM    buf, or a version of it to install, such as v1.75.0 (default buf)
  -time N         time the tools too, in N rounds after one to warm up
  -o FORMAT       text, which is Markdown, or json, which has all answers (default text)
  -write DIR      only write the changes to DIR, to try other tools on them

TROUPE_REGISTRY, and _USERNAME, _PASSWORD and _TOKEN, say where a schema registry with the
Confluent API is (else left out). It gets subjects troupe-checkers-…, which are deleted in
the end. Avro Java needs a JDK 17, and Maven the first time.

exit status: 0 all were asked, whatever they said; 1 something failed; 2 wrong usage

example, with everything:

  .ci/services up registry && eval "$(.ci/services env)"
  python3 -m venv build/avro && build/avro/bin/pip install avro==1.12.2
  cd bench && go run ./checkers -python ../build/avro/bin/python -buf v1.75.0 -time 15
`

// asLibrary as the first argument makes this program the pairProgram of a library.
const asLibrary = "as-library"

func main() {
	if len(os.Args) == 4 && os.Args[1] == asLibrary {
		if err := serve(libraries[os.Args[2]], os.Args[3], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "checkers:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the flags.
type options struct {
	tools, python, buf, output, write string
	rounds                            int
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var o options
	flags := flag.NewFlagSet("checkers", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.Usage = func() { fmt.Fprintf(errs, usage, strings.Join(toolKeys(), ",")) }
	flags.StringVar(&o.tools, "tools", "", "")
	flags.StringVar(&o.python, "python", "", "")
	flags.StringVar(&o.buf, "buf", "buf", "")
	flags.IntVar(&o.rounds, "time", 0, "")
	flags.StringVar(&o.output, "o", "text", "")
	flags.StringVar(&o.write, "write", "", "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if wrong := o.wrong(flags.Args()); wrong != "" {
		fmt.Fprintln(errs, "checkers:", wrong)
		return 2
	}
	if err := o.run(ctx, out); err != nil {
		fmt.Fprintln(errs, "checkers:", err)
		return 1
	}
	return 0
}

func (o options) wrong(args []string) string {
	switch {
	case len(args) > 0:
		return fmt.Sprintf("no arguments are wanted, but got %q (--help says more)", args)
	case o.output != "text" && o.output != "json":
		return "-o is text or json, not " + o.output
	case o.rounds < 0:
		return "-time is a number of rounds"
	}
	for _, key := range o.named() {
		if !slices.Contains(toolKeys(), key) {
			return fmt.Sprintf("no tool is called %s: %s", key, strings.Join(toolKeys(), ", "))
		}
	}
	return ""
}

// named are the tools that have to be there; none: whatever is there.
func (o options) named() []string {
	return strings.FieldsFunc(o.tools, func(r rune) bool { return r == ',' })
}

func (o options) run(ctx context.Context, out io.Writer) error {
	changes, err := loadChanges()
	if err != nil {
		return err
	}
	if o.write != "" {
		files, err := fs.Sub(changeFiles, "changes")
		if err != nil {
			return err
		}
		return os.CopyFS(o.write, files)
	}
	dir, err := os.MkdirTemp("", "checkers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := o.compare(ctx, changes, dir)
	if err != nil {
		return err
	}
	if o.output == "json" {
		return r.json(out)
	}
	return r.text(out)
}

// compare opens the tools, asks them, and times them if that is wanted.
func (o options) compare(ctx context.Context, changes []change, dir string) (r report, err error) {
	p := places{dir: dir, python: o.python, buf: o.buf}
	if p.root, err = moduleRoot(ctx); err != nil {
		return r, err
	}
	settings, err := troupe.FromEnv()
	if err != nil {
		return r, err
	}
	p.registry = settings.Registry
	tools, without, err := openTools(ctx, p, o.named())
	defer func() {
		for _, t := range tools {
			if e := t.close(); e != nil {
				err = errors.Join(err, fmt.Errorf("clean up %s: %w", t.title(), e))
			}
		}
	}()
	if err != nil {
		return r, err
	}
	if r, err = ask(ctx, changes, tools); err != nil {
		return r, err
	}
	r.LeftOut = without
	if o.rounds > 0 {
		r.Times, err = timeAll(ctx, tools, worksOf(changes), o.rounds)
	}
	return r, err
}

// ask puts every change to every tool.
func ask(ctx context.Context, changes []change, tools []tool) (report, error) {
	qs := questions(changes)
	var checkers []checker
	var answers [][]answer
	var protos []bufAnswer
	for _, t := range tools {
		var err error
		switch t := t.(type) {
		case checker:
			var a []answer
			a, err = t.judge(ctx, qs)
			checkers, answers = append(checkers, t), append(answers, a)
		case *buf:
			protos, err = t.ask(ctx, changes)
		}
		if err != nil {
			return report{}, fmt.Errorf("ask %s: %w", t.title(), err)
		}
	}
	r := summarize(changes, qs, checkers, answers)
	r.Buf = protos
	return r, nil
}
