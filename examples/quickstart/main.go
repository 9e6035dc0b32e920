// Quickstart is a small choreography that shows what Troupe does when things go
// wrong: four services react to each other's events while duplicates arrive,
// handlers fail, one customer's events can't be handled and a line of the input
// is broken. At the end it counts what the services did.
//
//	go run ./examples/quickstart                  everything inside this process
//	go run ./examples/quickstart -orders FILE     one's own orders ("-" is standard input)
//	go run ./examples/quickstart -json            the figures as one last line
//
// With TROUPE_BROKERS, TROUPE_REDIS and TROUPE_REGISTRY set, as `troupe dev`
// prints them, it runs on those.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

//go:embed orders.jsonl
var sampleOrders []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

const usage = `Four services react to each other's events on Kafka while things go wrong.

Usage: go run ./examples/quickstart [flags]

Flags:
`

const environment = `
Everything runs inside this process, unless TROUPE_BROKERS, TROUPE_REDIS and
TROUPE_REGISTRY say where a real one is ("go run ./cmd/troupe dev" prints them).

Example:
  head -100 my-orders.jsonl | go run ./examples/quickstart -orders - -json
`

// run is the program; it returns the exit code: 0 when nothing was lost and no
// effect ran twice, 1 when it could not be done, 2 for wrong flags, 130 when it
// was interrupted.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	path := flags.String("orders", "", "`FILE` with one order a line as JSON, - for standard input (default: about 1,000 that come with it)")
	asJSON := flags.Bool("json", false, "print the figures as one JSON object on the last line")
	verbose := flags.Bool("v", false, "show the services' logs")
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
		fmt.Fprint(stderr, environment)
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "quickstart: unexpected argument %q (a file is named with -orders)\n", flags.Arg(0))
		return 2
	}
	input, err := open(*path, stdin)
	if err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return 1
	}
	defer input.Close()
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	r, err := play(ctx, input, log, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return 1
	}
	if *asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			fmt.Fprintln(stderr, "quickstart:", err)
			return 1
		}
		fmt.Fprintf(stdout, "%s\n", line)
	} else {
		r.print(stdout)
	}
	switch {
	case r.Interrupted:
		return 130
	case r.Lost > 0 || r.EffectsTwice > 0:
		return 1
	}
	return 0
}

func open(path string, stdin io.Reader) (io.ReadCloser, error) {
	switch path {
	case "":
		return io.NopCloser(bytes.NewReader(sampleOrders)), nil
	case "-":
		return io.NopCloser(stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the orders: %w", err)
	}
	return f, nil
}

// drainTime bounds how long the services may finish what they have begun.
const drainTime = 10 * time.Second
