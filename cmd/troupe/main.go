// Command troupe is the tool beside the library: schemas checked before they break
// somebody, dead letters for whoever is on call, and all services in one process
// for whoever develops.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends what runs in good order; a second one ends the process.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], &interruptible{ctx: ctx, r: os.Stdin}, os.Stdout, os.Stderr))
}

// interruptible is stdin: at a terminal a read of it ends with the next line only, but a signal
// ends it for whoever waits. (The read itself goes on until the process ends.)
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(b []byte) (int, error) {
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		text := make([]byte, len(b)) // b may be the caller's again by then
		n, err := i.r.Read(text)
		read <- result{text[:n], err}
	}()
	select {
	case r := <-read:
		return copy(b, r.text), r.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}

// run runs the command line args and returns the exit code: 0 when it is done,
// 1 for an error, 2 for wrong usage, 130 when ctx ended first, and whatever an
// error with an ExitCode method says.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	addCompletion(root)
	ran := false
	noteRun(root, &ran)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if said := line(err); said != "" { // a report may have said it all
		fmt.Fprintln(errs, "troupe:", said)
	}
	var coded interface{ ExitCode() int }
	switch {
	case errors.As(err, &coded):
		return coded.ExitCode()
	case ctx.Err() != nil:
		return exitInterrupted
	case !ran: // cobra did not get beyond the arguments
		return exitUsage
	}
	return 1
}

// line is an error as one line.
func line(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// noteRun notes in ran that a command was begun.
func noteRun(cmd *cobra.Command, ran *bool) {
	if do := cmd.RunE; do != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*ran = true
			return do(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		noteRun(sub, ran)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "troupe",
		Short: "Event-driven choreography on Kafka: services that dance without a director",
		Long: `troupe looks after event-driven services built on github.com/troupe-go/troupe.

Services are found through TROUPE_BROKERS, TROUPE_REDIS and TROUPE_REGISTRY.

Exit codes: 0 done, 2 wrong usage, 130 interrupted, and
  troupe schema  1 something breaks, 2 something could not be checked or done
  troupe dlq     1 an error, 3 not everything could be read, 4 access denied
  troupe dev     1 an error
"go run" makes 1 of all of them but 0: build or install troupe for scripts.`,
		Example: `  troupe dev                          Kafka, Redis and a schema registry on this machine
  troupe schema check                 who breaks when the schemas here go live
  troupe dlq ls --group payments      what the payments service could not handle
  troupe dlq show ID                  one dead letter, with its cause and payload`,
		Version:       version(),
		Args:          subcommand,
		RunE:          help,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("troupe {{.Version}}\n")
	root.AddCommand(newDev(), newDLQ(), newSchema())
	root.SetHelpCommand(newHelp())
	return root
}

// version says what this program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return versionOf(info)
}

// versionOf is the version of a build: the module's, or the commit where that is not known.
func versionOf(info *debug.BuildInfo) string {
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "development"
		setting := map[string]string{}
		for _, s := range info.Settings {
			setting[s.Key] = s.Value
		}
		if commit := setting["vcs.revision"]; commit != "" {
			v += " at " + commit[:min(len(commit), 12)]
			if setting["vcs.modified"] == "true" {
				v += ", modified"
			}
		}
	}
	return v + " (" + info.GoVersion + ")"
}
