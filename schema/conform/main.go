// Conform holds package schema against files of facts about Avro: which data can be read with which
// schema and as what, what a history of schemas allows, canonical forms, and bytes that are no data.
//
//	go run ./schema/conform schema/testdata/*.jsonl*
//
// It prints how many rows agree and each row that does not, with its schemas. (go run ends with 1 whatever
// the program ended with; go build it to tell a disagreement, 1, from what could not be checked, 2.)
// The formats are described in schema/testdata/README.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

const usage = `Conform holds package schema against files of facts about Avro.

usage: conform [-v] [-json] FILE...

A FILE has a JSON object a line, and may be compressed with gzip; "-" is standard
input. What a row is about is seen from its keys: see schema/testdata/README.md.

  -v     say what came out of every row, also of those that agree
  -json  print one JSON object with the figures and all disagreements instead of text

exit status: 0 all rows agree, 1 some do not, 2 a file or a row could not be read, or nothing was checked
`

// The exit statuses.
const (
	agreed    = 0
	disagreed = 1
	unchecked = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("conform", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	verbose := flags.Bool("v", false, "")
	asJSON := flags.Bool("json", false, "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return agreed
	} else if err != nil {
		return unchecked
	}
	if flags.NArg() == 0 {
		fmt.Fprint(stderr, usage)
		return unchecked
	}
	r := report{verbose: *verbose, progress: stderr}
	r.text, r.errors = stdout, stderr
	if *asJSON {
		r.text = io.Discard
	}
	for _, name := range flags.Args() {
		r.file(name, stdin)
	}
	if *asJSON {
		if err := r.json(stdout); err != nil {
			fmt.Fprintln(stderr, "conform:", err)
			return unchecked
		}
	} else {
		r.total()
	}
	return r.status()
}
