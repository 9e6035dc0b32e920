package check

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

// corpusRow is a pair of schemas, with what Avro Java's checker says about it.
type corpusRow struct {
	ID             string
	Writer, Reader json.RawMessage
	Java           struct {
		Readable                        bool
		Compatibility, Error, Exception string
	}
	writer, reader *schema.Schema
}

func (r *corpusRow) java() string {
	switch {
	case r.Java.Error+r.Java.Exception != "":
		return saysError
	case r.Java.Readable, r.Java.Compatibility == "COMPATIBLE":
		return saysCompatible
	}
	return saysIncompatible
}

// corpus returns the rows whose schemas are valid.
func corpus(t *testing.T) []*corpusRow {
	t.Helper()
	if len(rows) == 0 {
		rows = readCorpus(t)
	}
	return rows
}

var rows []*corpusRow

// sample is every fourth row.
func sample(t *testing.T) (some []*corpusRow) {
	for i, r := range corpus(t) {
		if i%4 == 0 {
			some = append(some, r)
		}
	}
	return some
}

func readCorpus(t *testing.T) (all []*corpusRow) {
	t.Helper()
	for _, name := range []string{"avro-random.jsonl.gz", "avro-compat.jsonl"} {
		f, err := os.Open("../../schema/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var in io.Reader = f
		if strings.HasSuffix(name, ".gz") {
			if in, err = gzip.NewReader(f); err != nil {
				t.Fatal(err)
			}
		}
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			r := &corpusRow{}
			if err := json.Unmarshal(lines.Bytes(), r); err != nil {
				t.Fatal(err)
			}
			var werr, rerr error
			r.writer, werr = schema.Parse(string(r.Writer))
			r.reader, rerr = schema.Parse(string(r.Reader))
			if werr == nil && rerr == nil {
				all = append(all, r)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// docs/ci.md says how many rows it meets.
func TestConfluent_IsPredictedForEveryPairOfTheCorpus(t *testing.T) {
	met := 0
	for _, r := range corpus(t) {
		if got := confluent(r.writer, r.reader); got != r.java() {
			t.Errorf("%s: predicted %s, Avro Java said %s", r.ID, got, r.java())
			continue
		}
		met++
	}
	if met != 4533 || len(rows) != 4533 {
		t.Errorf("%d of %d rows met, and docs/ci.md says 4,533 of 4,533", met, len(rows))
	}
}

// Each fix that says what to write removes its violation and brings no new one; most violations have one.
func TestFix_RepairsWhatItSaysItRepairs(t *testing.T) {
	written, all := 0, 0
	for _, r := range sample(t) {
		found, err := violations(r.writer, r.reader)
		if err != nil {
			t.Fatalf("%s: %v", r.ID, err)
		}
		w, rd := &version{schema: r.writer}, &version{schema: r.reader}
		for _, p := range []pair{{old: w, new: rd, kind: NewReadsOld}, {old: rd, new: w, kind: OldReadsNew}} {
			for _, v := range found {
				if v.Rule.Warning() {
					continue
				}
				all++
				f, edited := repair(p, v, breaks(found), (*fixing).do)
				if f.Words == "" {
					t.Errorf("%s: nothing is said about %v", r.ID, v)
				}
				if edited == nil {
					continue
				}
				written++
				after := p
				after.new = &version{schema: edited}
				if left, err := violations(after.writer(), after.reader()); err != nil || breaks(left) >= breaks(found) {
					t.Errorf("%s: %s %s: %v remain, %v", r.ID, f.Words, f.JSON, left, err)
				}
			}
		}
	}
	if written*100 < all*93 {
		t.Errorf("only %d of %d violations have a fix to write", written, all)
	}
}

// What people do by hand: repair one finding after the other.
func TestFix_FollowedStepByStepEndsGreen(t *testing.T) {
	green, all := 0, 0
	for _, r := range sample(t) {
		p := pair{old: &version{schema: r.writer}, new: &version{schema: r.reader}, kind: NewReadsOld}
		found, _ := violations(p.writer(), p.reader())
		if breaks(found) == 0 {
			continue
		}
		all++
		for steps := breaks(found); steps > 0 && breaks(found) > 0; steps-- {
			for _, v := range found {
				if _, edited := repair(p, v, breaks(found), (*fixing).do); edited != nil && !v.Rule.Warning() {
					p.new = &version{schema: edited}
					break
				}
			}
			found, _ = violations(p.writer(), p.reader())
		}
		if breaks(found) == 0 {
			green++
		}
	}
	if green*100 < all*93 {
		t.Errorf("only %d of %d broken schemas could be repaired by doing what the fixes say", green, all)
	}
}
