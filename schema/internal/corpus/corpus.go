// Package corpus reads files of facts about Avro, one JSON object a line, and
// holds package schema against them. What the keys mean is written in
// schema/testdata/README.md; here is what becomes of them:
//
//	pair       writer, reader, expect: the verdict of Resolve; expect_violations, types: the set of its rules; data: the
//	           bytes that Plan.Append makes
//	modes      history, candidate, mode, compatible: Mode.Check
//	canonical  schema, canonical, rabin, md5, sha256: Canonical and the fingerprints
//	hostile    schema, hex, expect: Validate, Append and AppendJSON, in bounded time and memory
package corpus

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Kind is a kind of row.
type Kind string

// The kinds. Compat and Random are both pairs; they are told apart for those who count them.
const (
	Compat    Kind = "compat"
	Random    Kind = "random"
	Modes     Kind = "modes"
	Canonical Kind = "canonical"
	Hostile   Kind = "hostile"
)

// Row is a line of a corpus.
type Row struct {
	Line int
	Kind Kind
	// ID is the row's own, or "line N" where it has none.
	ID   string
	text []byte
}

// LineError is a line that cannot be checked, because it is not JSON or of no known kind.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Rows reads a corpus, which may be compressed with gzip. What is wrong with one line comes as a
// *LineError, and the next line follows; any other error is the last.
func Rows(r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		in, err := plain(r)
		if err != nil {
			yield(Row{}, err)
			return
		}
		for n := 1; ; n++ {
			line, err := in.ReadBytes('\n')
			if err != nil && err != io.EOF { // what there is of the line is not all of it
				yield(Row{}, fmt.Errorf("line %d: %w", n, cut(err)))
				return
			}
			if n == 1 {
				line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			}
			if line = bytes.TrimSpace(line); len(line) > 0 {
				row, bad := parseRow(n, line)
				if bad != nil {
					bad = &LineError{n, bad}
				}
				if !yield(row, bad) {
					return
				}
			}
			if err == io.EOF {
				return
			}
		}
	}
}

// plain returns what r holds, decompressed if it begins as gzip does.
func plain(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if magic, err := in.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return in, nil
	}
	unzipped, err := gzip.NewReader(in)
	if err != nil {
		return nil, cut(err)
	}
	return bufio.NewReaderSize(unzipped, 1<<16), nil
}

// cut says what it means that gzip ends before its end.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the gzip data are cut off: %w", err)
	}
	return err
}

func parseRow(n int, line []byte) (Row, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		return Row{}, fmt.Errorf("not a JSON object: %w", err)
	}
	row := Row{Line: n, ID: fmt.Sprintf("line %d", n), text: line}
	if id := keys["id"]; id != nil {
		if json.Unmarshal(id, &row.ID) != nil {
			row.ID = string(id)
		}
	}
	if row.Kind = kindOf(keys); row.Kind == "" {
		return row, errors.New("its keys are of no known kind of row")
	}
	return row, nil
}

func kindOf(keys map[string]json.RawMessage) Kind {
	all := func(names ...string) bool {
		for _, name := range names {
			if _, ok := keys[name]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case all("writer", "reader"):
		if all("data") || all("edits") || all("expect_violations") || all("unsure") {
			return Random
		}
		return Compat
	case all("history", "candidate", "mode"):
		return Modes
	case all("schema", "hex"):
		return Hostile
	case all("schema") && (all("canonical") || all("rabin") || all("md5") || all("sha256")):
		return Canonical
	}
	return ""
}
