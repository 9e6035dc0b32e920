package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// changeFiles holds a directory for each change: change.json, old.avsc, new.avsc where the schema stays, older.avsc
// where there is an even older version, and old.proto and new.proto where the change exists in Protobuf.
//
//go:embed changes
var changeFiles embed.FS

// change is something that people do to a schema.
type change struct {
	Name string `json:"-"` // of its directory
	What string `json:"change"`
	Why  string `json:"why"` // people make it
	// Each is what is right and why, nil if the question makes no sense.
	NewReadsOld   *ruling `json:"new_reads_old"`
	OldReadsNew   *ruling `json:"old_reads_new"`
	NewReadsOlder *ruling `json:"new_reads_older"` // and old
	Deleted       *ruling `json:"deleted"`
	// Hard changes were picked because checkers stumble there.
	Hard bool `json:"hard"`

	Older, Old, New    string `json:"-"` // Avro; "" if there is none
	OldProto, NewProto string `json:"-"`
}

// ruling is the right verdict.
type ruling struct {
	Verdict verdict `json:"verdict"`
	// Because starts with the section of the Avro specification.
	Because string `json:"because"`
}

type verdict string

const (
	works   verdict = "works"   // every datum can be read
	breaks  verdict = "breaks"  // some cannot
	refused verdict = "refused" // a schema is not valid
	threw   verdict = "threw"   // the checker failed
	unasked verdict = ""        // it does not know such a question
)

// loadChanges returns all changes in the order of their names.
func loadChanges() ([]change, error) {
	dirs, err := fs.ReadDir(changeFiles, "changes")
	if err != nil {
		return nil, err
	}
	var changes []change
	for _, dir := range dirs {
		c := change{Name: dir.Name()}
		if err := c.load(); err != nil {
			return nil, fmt.Errorf("change %s: %w", c.Name, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func (c *change) load() error {
	var facts string
	for name, text := range map[string]*string{
		"change.json": &facts, "older.avsc": &c.Older, "old.avsc": &c.Old, "new.avsc": &c.New, "old.proto": &c.OldProto, "new.proto": &c.NewProto,
	} {
		b, err := changeFiles.ReadFile("changes/" + c.Name + "/" + name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		*text = string(b)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(facts)))
	d.DisallowUnknownFields()
	return d.Decode(c)
}

// A question is about a change and a direction.
type question struct {
	change    *change
	direction direction
	right     *ruling
}

type direction string

const (
	newReadsOld   direction = "new reads old"
	oldReadsNew   direction = "old reads new"
	newReadsOlder direction = "new reads all old"
	deleted       direction = "deleted"
)

// mode is what registries call the direction.
func (d direction) mode() string {
	switch d {
	case oldReadsNew:
		return "FORWARD"
	case newReadsOlder:
		return "BACKWARD_TRANSITIVE"
	}
	return "BACKWARD"
}

// counts says if the answer is one of the verdicts that are summed up: those on two valid schemas.
func (q question) counts() bool {
	return (q.direction == newReadsOld || q.direction == oldReadsNew) && q.right.Verdict != refused
}

// pair is what a checker of two schemas is asked.
type pair struct {
	Reader string `json:"reader"`
	Writer string `json:"writer"`
}

// pairs are what has to work for the answer to be that it works.
func (q question) pairs() []pair {
	c := q.change
	switch q.direction {
	case newReadsOld:
		return []pair{{c.New, c.Old}}
	case oldReadsNew:
		return []pair{{c.Old, c.New}}
	case newReadsOlder:
		return []pair{{c.New, c.Old}, {c.New, c.Older}}
	}
	return nil
}

// questions returns what can be asked about changes.
func questions(changes []change) []question {
	var qs []question
	for i := range changes {
		c := &changes[i]
		for _, q := range []question{{c, newReadsOld, c.NewReadsOld}, {c, oldReadsNew, c.OldReadsNew}, {c, newReadsOlder, c.NewReadsOlder}, {c, deleted, c.Deleted}} {
			if q.right != nil {
				qs = append(qs, q)
			}
		}
	}
	return qs
}

// answer is what a checker says.
type answer struct {
	Verdict verdict  `json:"verdict"`
	Said    []string `json:"said,omitempty"`    // a line for each reason
	Decoded *decoded `json:"decoded,omitempty"` // by the checker's own decoder, if it was asked
}

// decoded says what became of random data of the writer's schema.
type decoded struct {
	Read  int    `json:"read"`
	Of    int    `json:"of"`
	Error string `json:"error,omitempty"` // the first
}
